//! How the queries are carried out.

use diesel::prelude::*;

use super::links::{By, statement};
use super::*;
use crate::config::DatabaseUrl;
use crate::store::tests::databases;
use crate::store::upgrade;

#[derive(QueryableByName)]
struct PlanLine {
    #[diesel(sql_type = Text)]
    detail: String,
}

#[test]
fn nothing_is_found_by_reading_a_whole_table() {
    let databases = databases();
    upgrade(&databases[0].url).unwrap();
    let DatabaseUrl::Sqlite(path) = &databases[0].url else { panic!("SQLite comes first") };
    let mut connection = SqliteConnection::establish(&path.to_string_lossy()).unwrap();
    let list = "SELECT value FROM json_each('[]')";
    let finds = [
        Find::System,
        Find::UuidOf,
        Find::Hostname,
        Find::Uuid,
        Find::Serial,
        Find::Node,
        Find::OwnerOfRegistration,
        Find::OwnerOfAdapter,
        Find::OwnerOfAlias,
        Find::OwnerOfAttribute,
        Find::Fqdn,
        Find::Address,
        Find::Alias,
        Find::LivingNode,
        Find::Mac,
    ];
    let finds = finds.map(|find| find.query().replace("INTS", list).replace("TEXTS", list));
    let evidence = [By::System, By::Node].map(|by| statement(by).replace("LIST", list));
    let observed = super::observed::statements(list);
    let page = "SELECT s.hostname AS key, s.pk FROM systems s WHERE s.hostname > 'a' AND 1 = 1 ORDER BY s.hostname LIMIT 5";
    let others = ["system_pk", "system"].map(|column| {
        let table = if column == "system" { "registrations" } else { "system_node_links" };
        format!("SELECT * FROM {table} WHERE {column} IN ({list})")
    });
    let history = "SELECT * FROM changes WHERE system_pk = 1 ORDER BY committed_us, number LIMIT 5";
    let all = finds
        .iter()
        .chain(&observed)
        .chain(&evidence)
        .chain(&others)
        .cloned()
        .chain([page.to_owned(), history.to_owned()]);
    for query in all {
        let plan: Vec<PlanLine> =
            diesel::sql_query(format!("EXPLAIN QUERY PLAN {query}")).load(&mut connection).unwrap();
        for line in plan {
            let whole = line.detail.starts_with("SCAN") && !line.detail.contains("json_each");
            assert!(!whole, "{query}: {}", line.detail);
        }
    }
}
