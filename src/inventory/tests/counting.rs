//! How many queries an import makes.

use std::cell::Cell;
use std::sync::Once;

use diesel::connection::{InstrumentationEvent, set_default_instrumentation};

use super::*;
use crate::inventory::plan::{self, Given};
use crate::inventory::rights::Rights;
use crate::inventory::{commit, request};
use crate::store::inventory::{ChangeSetHead, ChangeSetRow, Commit, Committed};
use crate::store::{Job, QueryResult, Session};

thread_local! {
    /// Queries of this thread.
    static QUERIES: Cell<usize> = const { Cell::new(0) };
}

/// Has all connections that are made from now on count.
fn count() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        set_default_instrumentation(|| {
            Some(Box::new(|event: InstrumentationEvent<'_>| {
                if let InstrumentationEvent::StartQuery { .. } = event {
                    QUERIES.set(QUERIES.get() + 1);
                }
            }))
        })
        .unwrap();
    });
}

/// Systems with so many of everything.
fn systems(count: usize, each: usize) -> Value {
    let system = |number: usize| {
        let nics: Map<String, Value> = (0..each)
            .map(|nic| {
                let name = format!("n{nic}.h{number}.example.com");
                let adapters: Map<String, Value> = (0..each)
                    .map(|hw| {
                        (format!("hw{hw}"), json!({"mac": format!("52540{number:01x}{nic:03x}{hw:03x}")}))
                    })
                    .collect();
                (
                    format!("nic{nic}"),
                    json!({"fqdn": name, "ip_str": format!("10.{number}.{nic}.1"), "hwadapter_set": adapters,
                        "cname": [{"fqdn": format!("w.{name}")}],
                        "keyvalue_set": {"k": {"key": "k", "value": "v"}}}),
                )
            })
            .collect();
        (format!("h{number}"), json!({"hostname": format!("h{number}.example.com"), "staticreg_set": nics}))
    };
    Value::Object((0..count).map(system).collect())
}

#[test]
fn the_number_of_queries_does_not_grow_with_the_objects() {
    count();
    on_each(|place| {
        let asked = |body: &Value| {
            let before = QUERIES.get();
            let (verdict, answer) = place.import(body);
            assert_eq!(verdict, Verdict::Fine, "{answer:#}");
            QUERIES.get() - before
        };
        let new = |count, each| asked(&json!({"systems": systems(count, each)}));
        let one = new(1, 1);
        assert!((5..60).contains(&one), "{one}");
        assert_eq!((new(1, 12), new(9, 12)), (one, one));
        // Those that are known are read as well.
        place.commit(systems(9, 12));
        let all = place.systems();
        let some = |count: usize| {
            let systems: Map<String, Value> = all.clone().into_iter().take(count).collect();
            let mut systems = Value::Object(systems);
            systems.as_object_mut().unwrap().values_mut().for_each(|system| {
                for nic in system["staticreg_set"].as_object_mut().unwrap().values_mut() {
                    nic["description"] = json!("other");
                    nic["hwadapter_set"]["hw0"]["description"] = json!("other");
                }
            });
            asked(&json!({"systems": systems}))
        };
        let few = some(1);
        assert!(few < 80, "{few}");
        assert_eq!(some(9), few);
    });
}

/// A commit that tells how many queries it made.
struct Counted(Commit);

impl Job for Counted {
    type Output = usize;

    fn run(&self, session: &mut dyn Session) -> QueryResult<usize> {
        let before = QUERIES.get();
        assert_eq!(self.0.run(session)?, Committed::Yes);
        Ok(QUERIES.get() - before)
    }
}

/// How many queries write these systems.
fn writes(place: &Place, id: usize, systems: &Value) -> usize {
    let text = json!({"systems": systems, "lookups": {"server_model": [format!("m{id}")]}}).to_string();
    let mut document = serde_json::Deserializer::from_str(&text);
    let request = request::read(&mut document, Dialect::Own, Limits::default(), &Map::new()).unwrap();
    let (now_us, rights) = (1, Rights::default());
    let given = Given { expected: None, now_us, rights: &rights };
    let plan = place.store.read_blocking(|session| plan::make(session, &request, &given)).unwrap();
    assert_eq!(plan.findings.problems, []);
    let head = ChangeSetHead {
        id: id.to_string(),
        committed_us: now_us,
        generation: plan.generation + 1,
        asker: None,
        request_id: None,
        comment: None,
        source: None,
        format: "json".to_owned(),
        digest: String::new(),
        summary: plan.summary().to_string(),
    };
    let set = ChangeSetRow { head, answer: None };
    place.store.write_blocking(Counted(commit::job(&plan, set, Vec::new()).unwrap())).unwrap()
}

#[test]
fn the_number_of_writes_does_not_grow_with_the_objects() {
    count();
    on_each(|place| {
        let new = systems(12, 12);
        let part = |from: usize, count: usize| -> Value {
            Value::Object(new.as_object().unwrap().clone().into_iter().skip(from).take(count).collect())
        };
        let one = writes(place, 1, &part(0, 1));
        assert!((5..15).contains(&one), "{one}");
        assert_eq!(writes(place, 2, &part(1, 11)), one);
        // Neither with those that change and take each other's names, nor with those that go.
        let all = place.systems();
        let changed = |systems: &[usize]| {
            let mut some = Map::new();
            for (place, number) in systems.iter().enumerate() {
                let mut system = all[&format!("h{number}.example.com")].clone();
                let next = systems[(place + 1) % systems.len()];
                system["hostname"] = json!(format!("h{next}.example.com"));
                for nic in system["staticreg_set"].as_object_mut().unwrap().values_mut() {
                    nic["description"] = json!("other");
                    nic["hwadapter_set"]["hw0"]["description"] = json!("other");
                }
                some.insert(number.to_string(), system);
            }
            Value::Object(some)
        };
        let few = writes(place, 3, &changed(&[0, 1]));
        assert!((5..20).contains(&few), "{few}");
        assert_eq!(writes(place, 4, &changed(&[2, 3, 4, 5, 6, 7, 8])), few);
        assert_eq!(place.systems()["h3.example.com"]["pk"], all["h2.example.com"]["pk"]);
    });
}
