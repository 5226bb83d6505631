//! Documents, each content once, and what becomes of those that nothing refers to.

use uuid::Uuid;

use super::*;
use crate::fsm::State;
use crate::node::Variant;
use crate::store::data::{Place, Stored};
use crate::store::tests::{make, on_each, record};
use crate::store::{Job, Session, Store};

#[test]
fn a_document_comes_back_as_it_went_in() {
    let text = br#"{"inventory": {"disks": []}}"#.repeat(50);
    let packed = Packed::pack(&text).unwrap();
    assert!(packed.body.len() < text.len() / 4);
    assert_eq!(packed.digest.len(), 64);
    assert_eq!(packed.unpack().unwrap(), text);
    assert_eq!(Packed::plain(text.clone()).unwrap().unpack().unwrap(), text);
}

#[test]
fn a_damaged_document_is_an_error() {
    assert!(unpack(ZSTD, 10, b"nonsense").is_err());
    assert!(unpack(9, 10, b"").is_err());
}

/// A few statements in one transaction.
struct Do<F>(F);

impl<T: Send + 'static, F> Job for Do<F>
where
    F: Fn(&mut dyn Session) -> QueryResult<T> + Send + 'static,
{
    type Output = T;

    fn run(&self, session: &mut dyn Session) -> QueryResult<T> {
        (self.0)(session)
    }
}

fn put(store: &Store, node: u128, text: &'static [u8], place: Place, at: Timestamp) {
    let job = Do(move |session: &mut dyn Session| {
        let packed = Packed::pack(text).unwrap();
        session.put_document(Uuid::from_u128(node), Variant::Raw, &packed, place, at)
    });
    store.write_blocking(job).unwrap();
}

fn stored(store: &Store, node: u128) -> Option<Stored> {
    store.read_blocking(|session| session.stored(Uuid::from_u128(node), Variant::Raw)).unwrap()
}

/// All that is kept, by what it says.
fn kept(store: &Store) -> Vec<Vec<u8>> {
    let read = |session: &mut dyn Session| {
        let found = (1..10).filter_map(|id| session.kept_document(id).transpose());
        found.collect::<QueryResult<Vec<Packed>>>()
    };
    store.read_blocking(read).unwrap().iter().map(|packed| packed.unpack().unwrap()).collect()
}

#[test]
fn the_same_content_is_kept_once() {
    on_each(|store, _| {
        for node in 1..=3 {
            make(store, record(node, State::Finished));
            put(store, node, if node == 3 { b"{3}" } else { b"{}" }, Place::Here, Timestamp(5));
        }
        assert_eq!(kept(store), [b"{}".to_vec(), b"{3}".to_vec()]);
        let (one, two) = (stored(store, 1).unwrap(), stored(store, 2).unwrap());
        assert_eq!((one.place, one.document.clone()), (Place::Here, two.document));
        assert_eq!(one.digest, one.document.map(|packed| packed.digest));
    });
}

#[test]
fn what_nothing_refers_to_goes_when_it_was_not_used_for_long() {
    on_each(|store, _| {
        let (old, late) = (Timestamp(5), Timestamp(5).plus_seconds(7200));
        for (node, text) in [(1, b"{1}"), (2, b"{2}"), (4, b"{4}")] {
            make(store, record(node, State::Finished));
            put(store, node, text, Place::Here, old);
        }
        // The second content is replaced, and that of the third is about to be used again.
        put(store, 2, b"{3}", Place::Here, late);
        put(store, 4, b"{5}", Place::Here, old);
        store
            .write_blocking(Do(move |session: &mut dyn Session| {
                session.keep_document(&Packed::pack(b"{4}").unwrap(), late)
            }))
            .unwrap();
        let moment = Timestamp(6);
        let (last, unused) =
            store.read_blocking(|session| session.unreferenced((0, 0), moment, 100)).unwrap();
        assert_eq!(unused.len(), 1);
        let rest = store.read_blocking(|s| s.unreferenced(last.unwrap(), moment, 100)).unwrap().1;
        assert_eq!(rest, Vec::<i64>::new());
        let all = (1..10).collect::<Vec<i64>>();
        let gone = store.write_blocking(Do(move |s: &mut dyn Session| s.drop_unreferenced(&all, moment)));
        assert_eq!(gone, Ok(1));
        let mut texts = kept(store);
        texts.sort();
        assert_eq!(texts, [b"{1}", b"{3}", b"{4}", b"{5}"].map(|text| text.to_vec()));
    });
}

#[test]
fn a_spooled_document_is_delivered_once_and_only_as_it_was() {
    on_each(|store, _| {
        make(store, record(1, State::Error));
        make(store, record(2, State::Waiting));
        put(store, 1, b"{}", Place::Spooled, Timestamp(5));
        put(store, 2, b"{}", Place::Spooled, Timestamp(5));
        let node = Uuid::from_u128(1);
        let waiting = store.read_blocking(|session| session.spooled(10)).unwrap();
        assert_eq!(waiting, [(node, Variant::Raw)], "not of a node that is worked on");
        let digest = stored(store, 1).and_then(|stored| stored.digest).unwrap();
        let mark = |digest: String| {
            let job = Do(move |s: &mut dyn Session| s.mark_elsewhere(node, Variant::Raw, &digest));
            store.write_blocking(job).unwrap()
        };
        assert!(!mark("another".to_owned()));
        assert!(mark(digest.clone()));
        assert!(!mark(digest.clone()), "it is there already");
        let elsewhere = Stored { place: Place::Elsewhere, digest: Some(digest), document: None };
        assert_eq!(stored(store, 1), Some(elsewhere));
        assert_eq!(store.read_blocking(|session| session.spooled(10)).unwrap(), []);
        store
            .write_blocking(Do(move |s: &mut dyn Session| s.put_nowhere(node, Variant::Raw, Timestamp(9))))
            .unwrap();
        assert_eq!(stored(store, 1), Some(Stored { place: Place::Nowhere, digest: None, document: None }));
    });
}
