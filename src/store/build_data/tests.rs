//! Every test runs on both databases.

use super::*;
use crate::build_data::Item;
use crate::build_data::facts::Kind;
use crate::store::tests::on_each;
use crate::store::{Job, Session, Store};

/// What a run of node 1 found, as its end writes it.
struct Found {
    node: Uuid,
    run: Uuid,
    items: Vec<Item>,
    sightings: Option<Vec<Sighting>>,
    name: Option<String>,
    at: Timestamp,
}

impl Job for Found {
    type Output = ();

    fn run(&self, session: &mut dyn Session) -> QueryResult<()> {
        for item in &self.items {
            session.keep_document(&item.content, self.at)?;
        }
        let items = self.items.iter().map(Item::reference).collect();
        let collection =
            Collection { node_name: self.name.clone(), items, sightings: self.sightings.clone() };
        session.add_builds(self.node, self.run, &collection, self.at)
    }
}

fn items(contents: &[(Generator, String)]) -> Vec<Item> {
    let pack = |text: &String| Packed::pack(text.as_bytes()).unwrap();
    contents.iter().map(|(generator, text)| Item { generator: *generator, content: pack(text) }).collect()
}

/// Adds what a run of node 1 found.
pub(crate) fn collect(store: &Store, run: u128, contents: &[(Generator, String)], at: Timestamp) {
    collect_of(store, 1, run, None, contents, at);
}

fn collect_of(
    store: &Store,
    node: u128,
    run: u128,
    name: Option<&str>,
    contents: &[(Generator, String)],
    at: Timestamp,
) {
    let (node, run) = (Uuid::from_u128(node), Uuid::from_u128(run));
    let name = name.map(str::to_owned);
    let found = Found { node, run, items: items(contents), sightings: None, name, at };
    store.write_blocking(found).unwrap();
}

/// The runs of the selected rows, by the lower bits of their ids, with their generators.
fn selected(store: &Store, selection: &Selection) -> Vec<(u128, String)> {
    let rows = store.read_blocking(|session| session.builds(selection, 100)).unwrap();
    let run = |row: &Build| row.run_id.as_ref().unwrap().parse::<Uuid>().unwrap().as_u128();
    rows.iter().map(|row| (run(row), row.generator.clone())).collect()
}

fn both() -> [(Generator, String); 2] {
    [(Generator::Facts, "{}".to_owned()), (Generator::Inventory, "{\"a\": 1}".to_owned())]
}

#[test]
fn filters_hold_all_together_and_the_last_row_comes_first() {
    on_each(|store, _| {
        for (node, run, at) in [(1, 11, 100), (1, 12, 200), (2, 21, 150)] {
            collect_of(store, node, run, Some("name"), &both(), Timestamp(at));
        }
        let facts = || Some("facts".to_owned());
        let node = |number| Some(Of::Node(Uuid::from_u128(number)));
        let told = |selection| selected(store, &selection).iter().map(|(run, _)| *run).collect::<Vec<_>>();
        let all = Selection { generator: facts(), ..Selection::default() };
        assert_eq!(told(all.clone()), [12, 21, 11]);
        assert_eq!(told(Selection { of: node(1), ..all.clone() }), [12, 11]);
        assert_eq!(told(Selection { of: Some(Of::Name("name".to_owned())), ..all.clone() }), [12, 21, 11]);
        assert_eq!(told(Selection { of: Some(Of::Name("other".to_owned())), ..all.clone() }), []);
        let run = Some(Uuid::from_u128(21));
        assert_eq!(told(Selection { run, ..all.clone() }), [21]);
        assert_eq!(told(Selection { run, of: node(1), ..all.clone() }), []);
        assert_eq!(told(Selection { since: Some(Timestamp(150)), ..all.clone() }), [12, 21]);
        assert_eq!(told(Selection { until: Some(Timestamp(150)), ..all.clone() }), [21, 11]);
        assert_eq!(told(Selection { latest: Latest::Only, ..all.clone() }), [12, 21]);
        assert_eq!(told(Selection { latest: Latest::Only, of: node(1), ..all.clone() }), [12]);
        let inventory = Some("inventory".to_owned());
        assert_eq!(told(Selection { generator: inventory, latest: Latest::Only, of: node(1), ..all }), [12]);
    });
}

#[test]
fn the_latest_of_the_same_moment_is_the_one_that_was_written_last() {
    on_each(|store, _| {
        for run in [1, 2, 3] {
            collect(store, run, &both(), Timestamp(7));
        }
        let latest = Selection { latest: Latest::Only, ..Selection::default() };
        assert_eq!(selected(store, &latest), [(3, "inventory".to_owned()), (3, "facts".to_owned())]);
    });
}

#[test]
fn pages_meet_no_row_twice_even_of_the_same_moment() {
    on_each(|store, _| {
        for run in 1..=4 {
            collect(store, run, &both(), Timestamp(if run == 4 { 9 } else { 7 }));
        }
        let (mut seen, mut marker) = (Vec::new(), None);
        loop {
            let selection = Selection { marker, ..Selection::default() };
            let rows = store.read_blocking(|session| session.builds(&selection, 3)).unwrap();
            let Some(last) = rows.last() else { break };
            marker = Some(last.id);
            seen.extend(rows.iter().map(|row| row.id));
        }
        assert_eq!(seen, [8, 7, 6, 5, 4, 3, 2, 1]);
    });
}

#[test]
fn a_node_keeps_its_name_where_a_run_does_not_tell_it() {
    on_each(|store, _| {
        let name = "n".repeat(200);
        collect_of(store, 1, 1, Some(&name), &both(), Timestamp(1));
        collect_of(store, 1, 2, None, &both(), Timestamp(2));
        let of = Some(Of::Name(name.clone()));
        assert_eq!(selected(store, &Selection { of, ..Selection::default() }).len(), 4);
    });
}

#[test]
fn the_same_content_is_referred_to_and_comes_back() {
    on_each(|store, _| {
        collect(store, 1, &both(), Timestamp(1));
        collect(store, 2, &both(), Timestamp(2));
        let rows = store.read_blocking(|session| session.builds(&Selection::default(), 9)).unwrap();
        assert_eq!((rows[0].document_id, rows[1].document_id), (rows[2].document_id, rows[3].document_id));
        let (row, content) = store.read_blocking(|session| session.build(rows[0].id)).unwrap().unwrap();
        assert_eq!(row, rows[0]);
        assert_eq!(content.unpack().unwrap(), b"{\"a\": 1}");
        assert_eq!(store.read_blocking(|session| session.build(999)).unwrap(), None);
    });
}

fn seen(kind: Kind, value: &str) -> Sighting {
    Sighting { kind, value: value.to_owned(), detail: "eth0".to_owned() }
}

#[test]
fn a_component_that_moved_is_seen_where_it_is_and_where_it_was() {
    on_each(|store, _| {
        let look = |node: u128, facts: &str, sightings: Vec<Sighting>, at: i64| {
            let items = items(&[(Generator::Facts, facts.to_owned())]);
            let (node, run) = (Uuid::from_u128(node), Uuid::from_u128(9));
            let at = Timestamp(at);
            store
                .write_blocking(Found { node, run, items, sightings: Some(sightings), name: None, at })
                .unwrap();
        };
        let (mac, port) = (seen(Kind::Mac, "52:54:00:00:00:01"), seen(Kind::SwitchPort, "sw1/7"));
        look(1, "{1}", vec![mac.clone(), port.clone()], 10);
        // The same facts once more: nothing is written, the node was looked at all the same.
        look(1, "{1}", vec![mac.clone(), port.clone()], 20);
        look(1, "{2}", vec![port], 30);
        look(2, "{3}", vec![mac], 40);
        let find = |value: (&'static str, &str), present: Option<bool>| {
            let sought = Sought { value: Some((value.0, value.1.to_owned())), present, ..Sought::default() };
            let rows = store.read_blocking(|session| session.sightings(&sought, 9)).unwrap();
            let node = |row: &SightingRow| row.node_uuid.parse::<Uuid>().unwrap().as_u128();
            rows.iter().map(|row| (node(row), row.first_us, row.last_us, row.present)).collect::<Vec<_>>()
        };
        let mac = ("mac", "52:54:00:00:00:01");
        assert_eq!(find(mac, None), [(1, 10, 10, false), (2, 40, 40, true)]);
        assert_eq!(find(mac, Some(true)), [(2, 40, 40, true)]);
        assert_eq!(find(("switch_port", "sw1/"), None), [(1, 10, 30, true)]);
        assert_eq!(find(("switch_port", "sw1/7"), None), [(1, 10, 30, true)]);
        assert_eq!(find(("switch_port", "sw/"), None), []);
        let node = Uuid::from_u128(1).to_string();
        let last = store.read_blocking(|session| session.last_look(&node)).unwrap();
        assert_eq!(last, Some((30, None)));
    });
}

#[test]
fn what_would_go_is_counted_before_it_goes() {
    on_each(|store, _| {
        for run in 1..=4 {
            collect(store, run, &both(), Timestamp(i64::try_from(run).unwrap()));
        }
        let count = |moment, keep| {
            store.read_blocking(|session| session.count_surplus(Timestamp(moment), keep)).unwrap()
        };
        assert_eq!((count(0, 9), count(2, 9), count(0, 1), count(2, 1)), (0, 2, 6, 6));
        assert_eq!(store.read_blocking(|session| session.surplus_builds(3, 9)).unwrap().len(), 2);
        assert_eq!(store.read_blocking(|session| session.old_builds(Timestamp(2), 9)).unwrap().len(), 2);
    });
}
