//! How many queries an import makes.

use std::cell::Cell;
use std::sync::Once;

use diesel::connection::{InstrumentationEvent, set_default_instrumentation};

use super::*;

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
