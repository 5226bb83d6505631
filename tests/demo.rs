//! `rollcall demo` as it is typed: the daemon and its simulated fleet in a process of their own.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in what its cases share as well")]

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The demo on any free port, with a database in `folder`.
fn demo(folder: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rollcall"));
    command.args(["demo", "--port", "0", "--dir"]).arg(folder).args(words).env_remove("ROLLCALL_LOG");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The cells of the table's rows, by state and reason.
fn rows(printed: &str) -> Vec<Vec<String>> {
    let lines = printed.lines().filter(|line| line.starts_with("| finished") || line.starts_with("| error"));
    lines.map(|line| line.split('|').map(|cell| cell.trim().to_owned()).collect()).collect()
}

fn interrupt(child: &Child) {
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

/// Waits for the end of a process that was told to stop.
fn ended(mut child: Child) -> (Option<i32>, String) {
    let give_up = Instant::now() + Duration::from_secs(30);
    while child.try_wait().unwrap().is_none() {
        if Instant::now() > give_up {
            child.kill().unwrap();
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let mut rest = String::new();
    child.stderr.take().unwrap().read_to_string(&mut rest).unwrap();
    (child.wait().unwrap().code(), rest)
}

#[test]
fn a_small_fleet_ends_as_planned_and_so_it_does_again_on_the_same_database() {
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let output = demo(folder.path(), &["--nodes", "12", "--timeout", "3", "--exit"]).output().unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{printed}{errors}");
        assert!(printed.contains("12 of 12 nodes ended as planned"), "{printed}");
        let rows = rows(&printed);
        let ends: Vec<(&str, &str, &str)> =
            rows.iter().map(|row| (row[1].as_str(), row[2].as_str(), row[3].as_str())).collect();
        let one = ("error", "1", "1");
        assert_eq!(ends, [one, one, one, one, ("finished", "8", "8")], "{printed}");
        for reason in ["Canceled by operator", "Introspection timeout", "Ramdisk reported", "No network"] {
            assert!(rows.iter().any(|row| row[4].contains(reason)), "{reason} in {printed}");
        }
        assert!(errors.lines().all(|line| line.contains("nodes")), "{errors}");
    }
    assert!(std::fs::read_dir(folder.path().join("ramdisk-logs")).unwrap().next().is_some());
}

#[test]
fn afterwards_the_service_stays_up_until_it_is_interrupted() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = demo(folder.path(), &["--nodes", "2", "--timeout", "2"]).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let invited: Vec<String> = lines.by_ref().take_while(|line| !line.contains("nodes list")).collect();
    let url = invited.iter().find(|line| line.contains("?limit=5")).unwrap().split('\'').nth(1).unwrap();
    let answer = actix_rt::System::new().block_on(async {
        let mut response = awc::Client::default().get(url).send().await.unwrap();
        response.body().await.unwrap()
    });
    assert!(String::from_utf8(answer.to_vec()).unwrap().contains("\"state\":\"finished\""));
    interrupt(&child);
    assert_eq!(ended(child).0, Some(0));
}

#[test]
fn an_interrupt_ends_it_early_and_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = demo(folder.path(), &["--nodes", "12", "--timeout", "600"]).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.contains("12 simulated nodes")));
    interrupt(&child);
    let (code, errors) = ended(child);
    assert_eq!(code, Some(130), "{errors}");
    assert!(!errors.contains("panic"), "{errors}");
}

#[test]
fn a_port_in_use_is_told_and_ends_it() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_rollcall"))
        .args(["demo", "--nodes", "1", "--exit", "--port", &port, "--dir"])
        .arg(folder.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("Can not listen on 127.0.0.1"));
}
