//! Who is let in by a token: the rules of every endpoint, what Keystone is asked, and what happens without it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::test::TestRequest;
use futures_util::future::join_all;
use serde_json::json;

use super::super::auth::{Authentication, Keystone, Policies, Terms, Tokens};
use super::super::fake::Fake;
use super::super::policy::{Policy, Roles};
use super::super::routes::ROUTES;
use super::routes::concrete;
use super::{Answer, Settings, node_path, request, send};
use crate::config;
use crate::inventory::rights::Right;
use crate::openstack::fake::{self, EXAMINE, is_issue, issued_by_number, refused};
use crate::openstack::{Lookup, Session, Tls};
use crate::standin::{Asked, Reply, StandIn};
use crate::tasks::model::Action;

const LIST: &str = "/v1/introspection";

fn terms() -> Terms {
    Terms {
        hold: Duration::from_secs(300),
        deadline: Duration::from_secs(10),
        retries: 0,
        concurrency: 4,
        most: 1000,
        service_type: "baremetal-introspection".to_owned(),
    }
}

/// A daemon that examines tokens at a stand-in.
struct Door {
    keystone: StandIn,
    settings: Settings,
}

impl Door {
    /// `script` gets the questions about tokens, and how many were about the same one before.
    fn new(script: impl Fn(&str, usize) -> Reply + Send + Sync + 'static) -> Self {
        Self::with(terms(), policies("", Roles::New), answering(script))
    }

    fn with(terms: Terms, policies: Policies, keystone: StandIn) -> Self {
        let auth = fake::auth(&keystone.url());
        let tls = Tls::from_config(&config::Auth::default()).unwrap();
        let session = Session::start(&auth, Lookup::default(), &tls, Duration::from_secs(5), 4).unwrap();
        let door =
            Keystone::new(Tokens::new(session, terms), policies, "http://keystone.example/\"v3").unwrap();
        let authentication = Authentication::Keystone(Arc::new(door));
        Self { keystone, settings: Settings { authentication, ..Settings::default() } }
    }

    async fn send(&self, request: TestRequest) -> Answer {
        send(&Fake::new(), &self.settings, request).await
    }

    async fn list_as(&self, token: &str) -> StatusCode {
        self.send(with_token(request("GET", LIST), token)).await.status
    }

    /// How often Keystone was asked about tokens.
    fn examined(&self) -> usize {
        self.keystone.all().iter().filter(|asked| asked.line == EXAMINE).count()
    }
}

fn answering(script: impl Fn(&str, usize) -> Reply + Send + Sync + 'static) -> StandIn {
    let seen = std::sync::Mutex::new(std::collections::HashMap::<String, usize>::new());
    StandIn::new(move |asked: &Asked, nth| {
        if is_issue(asked) {
            return issued_by_number(nth);
        }
        let subject = asked.header("x-subject-token").unwrap().to_owned();
        let before =
            *seen.lock().unwrap().entry(subject.clone()).and_modify(|count| *count += 1).or_insert(0);
        script(&subject, before)
    })
}

/// The rules with a file of this text, which is looked at before every request.
fn policies(text: &str, roles: Roles) -> Policies {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.yaml");
    std::fs::write(&path, text).unwrap();
    let file = (!text.is_empty()).then_some(path.as_path());
    Policies::open(file, roles, Duration::from_secs(3600)).unwrap()
}

fn with_token(request: TestRequest, token: &str) -> TestRequest {
    request.insert_header(("X-Auth-Token", token))
}

/// A token that tells its scope and roles by its text: `system:admin,member`.
fn telling(token: &str, _: usize) -> Reply {
    let Some((scope, roles)) = token.split_once(':') else { return refused(404) };
    let roles: Vec<&str> = roles.split(',').filter(|role| !role.is_empty()).collect();
    let more = match scope {
        "system" => json!({"system": {"all": true}, "project": null}),
        "domain" => json!({"domain": {"id": "d1", "name": "D"}, "project": null}),
        _ => json!({}),
    };
    Reply::Answer(200, fake::document("ann", &roles, 3600, &more))
}

const CALLERS: [&str; 12] = [
    "project:admin",
    "system:admin",
    "domain:admin",
    "project:service",
    "system:service",
    "system:reader",
    "system:member,reader",
    "project:manager,member,reader",
    "project:member,reader",
    "project:reader",
    "system:member",
    "project:",
];
/// Those whom rules of administrators allow.
const ADMINS: [&str; 5] =
    ["project:admin", "system:admin", "domain:admin", "project:service", "system:service"];
/// Those whom rules for looking on allow beside them.
const READERS: [&str; 2] = ["system:reader", "system:member,reader"];

/// The endpoints that anybody may ask for, and those that readers may.
const PUBLIC: [&str; 8] = [
    "versions",
    "resources",
    "openapi",
    "continue",
    "metrics",
    "unknown version",
    "drydock health",
    "drydock versions",
];
const FOR_READERS: [&str; 10] = [
    "list",
    "status",
    "events",
    "instances",
    "tasks",
    "task",
    "messages of a task",
    "nodes",
    "node filter",
    "extended health",
];

#[actix_web::test]
async fn every_endpoint_lets_in_whom_its_rule_allows() {
    let (door, began) = (Door::new(telling), std::time::Instant::now());
    for endpoint in ROUTES.iter() {
        let asking = || request(endpoint.method.as_str(), &concrete(endpoint.path));
        let is_public = PUBLIC.contains(&endpoint.name);
        let answer = door.send(asking()).await;
        assert_eq!(answer.status == StatusCode::UNAUTHORIZED, !is_public, "{endpoint:?}");
        if !is_public {
            assert_eq!(answer.error(), "Authentication required");
            let challenge = Some("Keystone uri=\"http://keystone.example/%22v3\"");
            assert_eq!(answer.header("www-authenticate"), challenge);
            let bad = door.send(with_token(asking(), "no such token")).await;
            assert_eq!((bad.status, bad.header("www-authenticate")), (StatusCode::UNAUTHORIZED, challenge));
        }
        for caller in CALLERS {
            let may_read = FOR_READERS.contains(&endpoint.name.trim_start_matches("drydock "))
                && READERS.contains(&caller);
            let wanted = is_public || ADMINS.contains(&caller) || may_read;
            let answer = door.send(with_token(asking(), caller)).await;
            assert_ne!(answer.status, StatusCode::UNAUTHORIZED, "{caller} {endpoint:?}");
            assert_eq!(answer.status != StatusCode::FORBIDDEN, wanted, "{caller} {endpoint:?}");
            if !wanted {
                assert_eq!(answer.error(), "Access denied by policy");
            }
        }
    }
    // Each of them was examined once, but for the bad one, whose verdict holds for ten seconds.
    let again = usize::try_from(began.elapsed().as_secs() / 10).unwrap();
    let once = CALLERS.len() + 1;
    assert!((once..=once + again).contains(&door.examined()), "{} examinations", door.examined());
}

#[actix_web::test]
async fn the_roles_of_old_count_where_they_are_asked_for() {
    let door = Door::with(terms(), policies("", Roles::NewAndOld), answering(telling));
    for (token, reads, starts) in [
        ("project:baremetal_admin", true, true),
        ("project:Administrator", true, true),
        ("project:baremetal_observer", true, false),
        ("project:reader", false, false),
        ("system:reader", true, false),
    ] {
        assert_eq!(door.list_as(token).await == StatusCode::OK, reads, "{token}");
        let start = door.send(with_token(request("POST", &node_path("")), token)).await;
        assert_eq!(start.status == StatusCode::ACCEPTED, starts, "{token}");
    }
    let new = Door::new(telling);
    assert_eq!(new.list_as("project:baremetal_observer").await, StatusCode::FORBIDDEN);
}

#[actix_web::test]
async fn a_file_says_otherwise() {
    let text = "\"introspection:status\": \"role:auditor\"\n\
                \"introspection:start\": \"not role:admin\"\n\
                \"introspection:continue\": \"rule:ramdisks\"\n\"ramdisks\": \"user_id:id-of-ann\"\n\
                \"introspection:abort\": \"@\"\n";
    let door = Door::with(terms(), policies(text, Roles::New), answering(telling));
    assert_eq!(door.list_as("project:auditor").await, StatusCode::OK);
    assert_eq!(door.list_as("project:admin").await, StatusCode::FORBIDDEN);
    let start = |token| door.send(with_token(request("POST", &node_path("")), token));
    assert_eq!(start("project:admin").await.status, StatusCode::FORBIDDEN);
    assert_eq!(start("project:none").await.status, StatusCode::ACCEPTED);
    // An endpoint that is no longer open to everybody.
    let post = || request("POST", "/v1/continue").set_payload("{}");
    assert_eq!(door.send(post()).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(door.send(with_token(post(), "project:none")).await.status, StatusCode::OK);
    // Anybody is anybody with a good token.
    assert_eq!(door.send(request("POST", &node_path("/abort"))).await.status, StatusCode::UNAUTHORIZED);
    let abort = with_token(request("POST", &node_path("/abort")), "project:none");
    assert_eq!(door.send(abort).await.status, StatusCode::ACCEPTED);
}

#[actix_web::test]
async fn a_changed_file_counts_and_a_broken_one_leaves_the_former_in_force() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.yaml");
    let write = |text: &str| {
        let new = path.with_extension("new");
        std::fs::write(&new, text).unwrap();
        std::fs::rename(new, &path).unwrap();
    };
    write("introspection:status: role:one");
    let policies = Policies::open(Some(&path), Roles::New, Duration::ZERO).unwrap();
    let door = Door::with(terms(), policies, answering(telling));
    assert_eq!(door.list_as("project:one").await, StatusCode::OK);
    write("introspection:status: role:two");
    assert_eq!(door.list_as("project:one").await, StatusCode::FORBIDDEN);
    assert_eq!(door.list_as("project:two").await, StatusCode::OK);
    for broken in ["introspection:statsu: role:one", "introspection:status: rule:one", "[]"] {
        write(broken);
        assert_eq!(door.list_as("project:two").await, StatusCode::OK, "{broken}");
    }
    std::fs::remove_file(&path).unwrap();
    assert_eq!(door.list_as("project:two").await, StatusCode::OK);
    write("introspection:status: role:one");
    assert_eq!(door.list_as("project:one").await, StatusCode::OK);
}

#[test]
fn a_file_that_can_not_be_understood_prevents_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.yaml");
    let refusal = || Policies::open(Some(&path), Roles::New, Duration::ZERO).unwrap_err().text;
    assert!(refusal().starts_with("[oslo_policy]policy_file: ") && refusal().contains("can not be read"));
    std::fs::write(&path, "introspection:strat: role:x").unwrap();
    assert!(
        refusal().ends_with("introspection:strat: there is no such rule, and no other rule refers to it")
    );
}

#[actix_web::test]
async fn those_who_bring_the_same_new_token_at_once_lead_to_one_question() {
    let door = Door::new(|token, nth| {
        std::thread::sleep(Duration::from_millis(50));
        telling(token, nth)
    });
    let statuses = join_all((0..100).map(|_| door.list_as("system:admin"))).await;
    assert!(statuses.iter().all(|status| *status == StatusCode::OK));
    assert_eq!(door.examined(), 1);
    let statuses = join_all((0..100).map(|_| door.list_as("bad"))).await;
    assert!(statuses.iter().all(|status| *status == StatusCode::UNAUTHORIZED));
    assert_eq!(door.examined(), 2);
}

#[actix_web::test]
async fn questions_at_one_time_are_bounded() {
    let (now, most) = (Arc::new(std::sync::atomic::AtomicUsize::new(0)), Arc::default());
    let peak: Arc<std::sync::atomic::AtomicUsize> = Arc::clone(&most);
    let door = Door::with(
        Terms { concurrency: 3, ..terms() },
        policies("", Roles::New),
        answering(move |_, nth| {
            use std::sync::atomic::Ordering::SeqCst;
            peak.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
            std::thread::sleep(Duration::from_millis(20));
            now.fetch_sub(1, SeqCst);
            telling("system:reader", nth)
        }),
    );
    let tokens: Vec<String> = (0..20).map(|number| format!("t{number}")).collect();
    let statuses = join_all(tokens.iter().map(|token| door.list_as(token))).await;
    assert!(statuses.iter().all(|status| *status == StatusCode::OK));
    assert_eq!((door.examined(), most.load(std::sync::atomic::Ordering::SeqCst)), (20, 3));
}

#[actix_web::test]
async fn a_token_is_not_good_beyond_its_end() {
    let door = Door::new(|_, _| Reply::Answer(200, fake::document("ann", &["admin"], -1, &json!({}))));
    assert_eq!(door.list_as("old").await, StatusCode::UNAUTHORIZED);
    let short = Door::new(|_, nth| match nth {
        0 => Reply::Answer(200, fake::document("ann", &["admin"], 1, &json!({}))),
        _ => refused(404),
    });
    assert_eq!(short.list_as("short").await, StatusCode::OK);
    while short.list_as("short").await == StatusCode::OK {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(short.examined(), 2);
}

#[actix_web::test]
async fn a_revoked_token_is_noticed_when_its_time_is_over_or_at_once_without_memory() {
    let revoked = |_: &str, nth: usize| if nth == 0 { telling("system:admin", 0) } else { refused(404) };
    let door = Door::new(revoked);
    assert_eq!(door.list_as("t").await, StatusCode::OK);
    assert_eq!(door.list_as("t").await, StatusCode::OK);
    let terms = Terms { hold: Duration::ZERO, ..terms() };
    let forgetful = Door::with(terms, policies("", Roles::New), answering(revoked));
    assert_eq!(forgetful.list_as("t").await, StatusCode::OK);
    assert_eq!(forgetful.list_as("t").await, StatusCode::UNAUTHORIZED);
}

#[actix_web::test]
async fn without_keystone_callers_are_sent_away_for_a_while_and_those_known_are_not() {
    for reply in
        [Reply::Leave, Reply::CutShort, refused(500), refused(403), Reply::Answer(200, json!({"token": {}}))]
    {
        let door = Door::new(
            move |token, nth| {
                if token == "system:admin" { telling(token, nth) } else { reply.clone() }
            },
        );
        assert_eq!(door.list_as("system:admin").await, StatusCode::OK);
        let answer = door.send(with_token(request("GET", LIST), "new")).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(answer.error(), "The Keystone service is temporarily unavailable.");
        assert_eq!(answer.header("retry-after"), Some("5"));
        assert_eq!(door.list_as("system:admin").await, StatusCode::OK);
        assert_eq!(door.send(request("GET", LIST)).await.status, StatusCode::UNAUTHORIZED);
        let callback = with_token(request("POST", "/v1/continue").set_payload("{}"), "new");
        assert_eq!(door.send(callback).await.status, StatusCode::OK);
    }
}

#[actix_web::test]
async fn a_keystone_that_hangs_costs_a_bounded_time() {
    let terms = Terms { deadline: Duration::from_millis(200), ..terms() };
    let hanging = answering(|_, _| Reply::Hang(Duration::from_secs(30)));
    let door = Door::with(terms, policies("", Roles::New), hanging);
    let began = std::time::Instant::now();
    let statuses = join_all((0..20).map(|_| door.list_as("t"))).await;
    assert!(statuses.iter().all(|status| *status == StatusCode::SERVICE_UNAVAILABLE));
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
}

#[actix_web::test]
async fn keystone_is_asked_again_where_it_did_not_answer() {
    let terms = Terms { retries: 2, ..terms() };
    let moody = answering(|token, nth| if nth < 2 { Reply::Leave } else { telling(token, nth) });
    let door = Door::with(terms, policies("", Roles::New), moody);
    assert_eq!(door.list_as("system:admin").await, StatusCode::OK);
    assert_eq!(door.examined(), 3);
}

#[actix_web::test]
async fn our_own_token_is_replaced_once_where_keystone_does_not_take_it() {
    let keystone = StandIn::new(|asked, nth| match (is_issue(asked), asked.header("x-auth-token")) {
        (true, _) => issued_by_number(nth),
        (false, Some("own-1")) => telling("system:admin", 0),
        _ => refused(401),
    });
    let door = Door::with(terms(), policies("", Roles::New), keystone);
    assert_eq!(door.list_as("t").await, StatusCode::OK);
    let outcast =
        StandIn::new(|asked, nth| if is_issue(asked) { issued_by_number(nth) } else { refused(401) });
    let door = Door::with(terms(), policies("", Roles::New), outcast);
    // It is not the caller's fault.
    assert_eq!(door.list_as("t").await, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(door.examined(), 2);
}

#[actix_web::test]
async fn what_can_be_no_token_is_not_asked_about() {
    let door = Door::new(telling);
    for token in ["", &"x".repeat(9000)] {
        assert_eq!(door.list_as(token).await, StatusCode::UNAUTHORIZED);
    }
    let odd = request("GET", LIST).insert_header(("X-Auth-Token", "\u{e4}".as_bytes()));
    assert_eq!(door.send(odd).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(door.keystone.all().len(), 0);
}

#[actix_web::test]
async fn a_restricted_credential_is_good_for_what_it_names() {
    let rules = json!([
        {"service": "baremetal-introspection", "method": "GET", "path": "/v1/introspection/*"},
        {"service": "baremetal", "method": "GET", "path": "/v1/introspection"},
    ]);
    let more = json!({"application_credential": {"id": "a", "access_rules": rules}});
    let door = Door::new(move |_, _| Reply::Answer(200, fake::document("ann", &["admin"], 60, &more)));
    assert_eq!(door.list_as("t").await, StatusCode::UNAUTHORIZED);
    let status = door.send(with_token(request("GET", &node_path("")), "t")).await;
    assert_eq!(status.status, StatusCode::OK);
    let abort = door.send(with_token(request("POST", &node_path("/abort")), "t")).await;
    assert_eq!(abort.status, StatusCode::UNAUTHORIZED);
}

#[actix_web::test]
async fn the_history_knows_the_user_of_a_token() {
    let (door, fake) = (Door::new(telling), Fake::new());
    let asking = request("POST", &node_path("/abort")).insert_header(("x-openstack-request-id", "req-7"));
    send(&fake, &door.settings, with_token(asking, "system:admin")).await;
    assert_eq!(*fake.askers.borrow(), [Some("ann req-7".to_owned())]);
}

#[actix_web::test]
async fn a_task_needs_the_rule_of_what_it_does() {
    let text = "\"tasks:power_off_nodes\": \"!\"\n";
    let door = Door::with(terms(), policies(text, Roles::New), answering(telling));
    for (action, wanted) in
        [("power_off_nodes", StatusCode::FORBIDDEN), ("power_on_nodes", StatusCode::CREATED)]
    {
        let body = format!("{{\"action\": \"{action}\"}}");
        let asking = request("POST", "/v1/tasks").set_payload(body);
        assert_eq!(door.send(with_token(asking, "system:admin")).await.status, wanted, "{action}");
    }
    let text = "\"tasks:validate_design\": \"!\"\n";
    let door = Door::with(terms(), policies(text, Roles::New), answering(telling));
    for (action, wanted) in [("noop", StatusCode::FORBIDDEN), ("compare_design", StatusCode::CREATED)] {
        let body = format!("{{\"action\": \"{action}\", \"design_ref\": \"file:///a.yaml\"}}");
        let asking = request("POST", "/v1/tasks").set_payload(body);
        assert_eq!(door.send(with_token(asking, "system:admin")).await.status, wanted, "{action}");
    }
}

#[actix_web::test]
async fn who_may_not_have_designs_read_gets_no_filter_answered_by_one() {
    let door = Door::new(telling);
    let filter = r#""node_filter": {"filter_set_type": "union",
        "filter_set": [{"filter_type": "union", "node_names": ["a"]}]}"#;
    for (token, more, wanted) in [
        ("system:reader", "", StatusCode::OK),
        ("system:reader", r#""design_ref": "http://x/site.yaml","#, StatusCode::FORBIDDEN),
        ("system:admin", r#""design_ref": "http://x/site.yaml","#, StatusCode::OK),
    ] {
        let asking = request("POST", "/v1/nodefilter").set_payload(format!("{{{more} {filter}}}"));
        assert_eq!(door.send(with_token(asking, token)).await.status, wanted, "{token} {more}");
    }
}

#[actix_web::test]
async fn an_import_needs_the_rules_of_what_it_changes() {
    let text = "\"introspection:inventory:update:management\": \"!\"\n";
    let door = Door::with(terms(), policies(text, Roles::New), answering(telling));
    for (member, wanted) in [("oob_ip", StatusCode::FORBIDDEN), ("notes", StatusCode::OK)] {
        let body = format!("{{\"systems\": {{\"a\": {{\"hostname\": \"ruled\", \"{member}\": \"x\"}}}}}}");
        for path in ["/v1/inventory/import", "/bulk_action/import"] {
            let asking = request("POST", path).set_payload(body.clone());
            let answer = door.send(with_token(asking, "system:admin")).await;
            assert_eq!(answer.status, wanted, "{member} {}", answer.text());
        }
    }
}

#[test]
fn every_rule_of_an_endpoint_is_listed_once() {
    let mut named: BTreeSet<String> =
        ROUTES.iter().map(|endpoint| endpoint.policy.name().to_owned()).collect();
    // What a task does has a rule of its own.
    named.extend(Action::for_requests().map(|action| format!("tasks:{action}")));
    // So has what an import changes.
    named.extend(Right::all().into_iter().map(|right| match right {
        Right::Delete => "introspection:inventory:delete".to_owned(),
        right => format!("introspection:inventory:update:{}", right.name()),
    }));
    let all: Vec<String> = Policy::ALL.iter().map(|policy| policy.name().to_owned()).collect();
    assert_eq!(all.iter().cloned().collect::<BTreeSet<_>>(), named);
    assert_eq!(all.len(), named.len());
}
