//! Every option is described.

use super::*;

/// `section.option` of all descriptions of a kind.
fn described(wanted: fn(Class) -> bool) -> BTreeSet<String> {
    let options = sections().flat_map(|section| section.options.iter().map(move |spec| (section, spec)));
    let wanted = options.filter(|(_, spec)| wanted(spec.class));
    wanted.map(|(section, spec)| names::full(section.name, spec.name)).collect()
}

/// `section.option` of all fields of the structs.
fn fields() -> BTreeSet<String> {
    let config = serde_json::to_value(Config::default()).unwrap();
    let mut names = BTreeSet::new();
    for (name, value) in config.as_object().unwrap() {
        match value.as_object() {
            Some(section) => names.extend(section.keys().map(|option| names::full(name, option))),
            None => drop(names.insert(name.clone())),
        }
    }
    names
}

#[test]
fn what_works_has_a_field_and_every_field_is_described() {
    let works = described(|class| matches!(class, Class::Works | Class::Only(_)));
    let described = described(|class| !matches!(class, Class::NoEffect(_)));
    assert_eq!(works.difference(&fields()).collect::<Vec<_>>(), Vec::<&String>::new());
    assert_eq!(fields().difference(&described).collect::<Vec<_>>(), Vec::<&String>::new());
}

#[test]
fn no_option_is_described_twice() {
    let names: Vec<_> = sections().map(|section| section.name).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
    for section in sections() {
        let names: BTreeSet<_> = section.options.iter().map(|spec| spec.name).collect();
        assert_eq!(names.len(), section.options.len(), "[{}]", section.name);
    }
}

#[test]
fn the_sample_says_nothing_but_the_defaults() {
    assert_eq!(good(&sample()), Config::default());
}

#[test]
fn the_sample_with_every_option_set_equals_the_defaults() {
    let set: Vec<String> = sample().lines().map(uncommented).collect();
    assert_eq!(
        set.iter().filter(|line| line.contains(" = ")).count(),
        described(|class| { !matches!(class, Class::NoEffect(_)) }).len()
    );
    let (config, report) = read(&set.join("\n"), &[]);
    assert_eq!(config, Config::default());
    assert!(report.is_good(), "{report:?}");
    let idle = ["node_service: [ironic] has no effect", "has no effect without auth_strategy keystone"];
    assert!(report.warnings.iter().all(|line| idle.iter().any(|idle| line.contains(idle))), "{report:?}");
}

/// Options are commented out without a blank, explanations with one.
fn uncommented(line: &str) -> String {
    match line.strip_prefix('#') {
        Some(option) if !option.starts_with(' ') => option.to_owned(),
        _ => line.to_owned(),
    }
}

#[test]
fn the_sample_names_every_option() {
    let sample = sample();
    for name in described(|_| true) {
        let option = name.rsplit('.').next().unwrap();
        let forms = [format!("\n#{option} = "), format!("\n# {option} has no effect: ")];
        assert!(forms.iter().any(|form| sample.contains(form)), "{name}");
    }
}
