//! Services, what left, and what changed.

use super::*;
use crate::fixture::gone_of;
use crate::model::Question;
use crate::model::lines::{Item, Selection};
use lastbeat_proto::answer::Row;

fn instance(name: &str, instance: &str, status: Status) -> Row {
    Row {
        instance: instance.to_owned(),
        ip: instance.to_owned(),
        ..row(name, status, 1)
    }
}

/// Two instances of one service, one of another, and what left of a third.
fn fleet(size: (u16, u16)) -> Model {
    let rows = vec![
        instance("api", "10.0.0.1", Status::Up),
        instance("api", "10.0.0.2", Status::Down),
        instance("web", "10.0.0.3", Status::Up),
    ];
    let mut model = live(size, rows);
    leave(&mut model, &["old", "api"]);
    model
}

fn leave(model: &mut Model, names: &[&str]) {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    update(model, Message::Reply(Reply::Gone(Ok(gone_of(&names)))), AT);
}

/// What stands on each line, in short.
fn listed_lines(model: &Model) -> Vec<String> {
    let items = (0..model.len()).filter_map(|line| model.item(line));
    items
        .map(|item| match item {
            Item::Instance(row) => row.instance.clone(),
            Item::Service(group) => format!("{}: {}", group.name, group.counts()),
            Item::Gone(group) => format!("gone {}", group.name),
            Item::Left(tombstone) => format!("left {}", tombstone.instance),
        })
        .collect()
}

#[test]
fn by_service_there_is_one_line_each_and_enter_unfolds_it() {
    let mut model = fleet((80, 24));

    press(&mut model, "v");
    let folded = [
        "api: UP 1  DOWN 1  GONE 1",
        "web: UP 1",
        "gone old",
        "gone api",
    ];
    assert_eq!(listed_lines(&model), folded);
    assert_eq!(model.cursor.key, Some(Selection::Service("api".to_owned())));

    push(&mut model, Key::Enter);
    assert_eq!(
        listed_lines(&model)[..5],
        [
            "api: UP 1  DOWN 1  GONE 1",
            "10.0.0.2",
            "10.0.0.1",
            "left 10.9.0.2",
            "web: UP 1"
        ]
    );

    press(&mut model, "jh");
    assert_eq!(listed_lines(&model), folded);
    assert_eq!(model.cursor.line, 0, "folding goes to the service");
}

#[test]
fn an_instance_that_left_is_selected_and_dismissed_below_its_service() {
    let mut model = fleet((80, 24));
    press(&mut model, "v");
    push(&mut model, Key::Enter);
    press(&mut model, "jjj");

    let key = model.cursor.key.clone();
    assert!(matches!(key, Some(Selection::Left(key)) if key.instance == "10.9.0.2"));
    let copied = press(&mut model, "y");
    assert_eq!(copied, [Effect::Copy("10.9.0.2".to_owned())]);
    let request = Request::Deregister {
        name: "api".to_owned(),
        instances: vec!["10.9.0.2".to_owned()],
    };
    assert_eq!(press(&mut model, "dy"), [Effect::Send(request)]);
    press(&mut model, "v");
    assert_eq!(model.cursor.key, Some(Selection::Gone("api".to_owned())));
}

#[test]
fn what_a_filter_hides_of_what_left_is_not_counted() {
    let mut model = fleet((80, 24));
    press(&mut model, "v/10.0.0");
    push(&mut model, Key::Enter);

    assert_eq!(listed_lines(&model), ["api: UP 1  DOWN 1", "web: UP 1"]);
}

#[test]
fn going_back_to_instances_stays_on_the_service() {
    let mut model = fleet((80, 24));
    press(&mut model, "vj");
    assert_eq!(selected(&model), "web");

    press(&mut model, "v");

    assert_eq!(model.cursor.line, 2);
    assert_eq!(selected(&model), "web");
}

#[test]
fn an_order_of_rows_is_one_of_services() {
    let mut model = fleet((80, 24));
    press(&mut model, "v2S");

    assert_eq!(
        listed_lines(&model)[..2],
        ["web: UP 1", "api: UP 1  DOWN 1  GONE 1"]
    );
}

#[test]
fn a_service_is_taken_out_as_a_whole_and_copied_as_a_whole() {
    let mut model = fleet((80, 24));
    press(&mut model, "v");

    let copied = press(&mut model, "y");
    assert_eq!(
        copied,
        [Effect::Copy("10.0.0.2:8080\n10.0.0.1:8080".to_owned())]
    );
    press(&mut model, "d");
    let request = Request::Deregister {
        name: "api".to_owned(),
        instances: vec!["10.0.0.2".to_owned(), "10.0.0.1".to_owned()],
    };
    assert_eq!(press(&mut model, "Y"), [Effect::Send(request)]);
}

#[test]
fn what_is_gone_is_selected_behind_the_last_row() {
    let mut model = fleet((80, 24));

    push(&mut model, Key::End);
    assert_eq!(model.cursor.key, Some(Selection::Gone("api".to_owned())));
    assert_eq!(press(&mut model, "r"), []);
    assert!(model.toast.as_ref().unwrap().text.contains("it is GONE"));
    press(&mut model, "d");
    assert!(matches!(
        &model.popup,
        Some(Popup::Confirm { question: Question::Dismiss { instances, .. }, .. })
            if instances == &["10.9.0.2"]
    ));
    push(&mut model, Key::Esc);
    let asked = push(&mut model, Key::Enter);
    let name = "api".to_owned();
    let events = Request::Events {
        name: Some(name.clone()),
    };
    assert_eq!(asked, [Request::Uptime { name }, events].map(Effect::Send));
}

#[test]
fn what_is_gone_is_filtered_too() {
    let mut model = fleet((80, 24));
    let cases: [(&str, &[&str]); 5] = [
        ("old", &["gone old"]),
        ("status:gone", &["gone old", "gone api"]),
        ("!status:gone api", &["10.0.0.2", "10.0.0.1"]),
        ("status:down", &["10.0.0.2"]),
        ("10.9.0.1", &["gone old"]),
    ];
    for (filter, expected) in cases {
        press(&mut model, "/");
        push(&mut model, Key::Ctrl('u'));
        press(&mut model, filter);
        push(&mut model, Key::Enter);
        assert_eq!(listed_lines(&model), expected, "{filter}");
    }
}

#[test]
fn on_a_low_screen_what_is_gone_follows_the_rows() {
    let mut model = fleet((60, 10));

    push(&mut model, Key::End);

    let lines = layout(&model);
    assert_eq!(lines.gone, 0);
    let body = usize::from(lines.body);
    assert!((model.cursor.top..model.cursor.top + body).contains(&model.cursor.line));
}

#[test]
fn what_changed_is_marked_until_a_key_is_pressed_while_it_is_seen() {
    let mut model = fleet((80, 24));
    let changed = vec![instance("web", "10.0.0.3", Status::Down)];
    let answer = ServicesAnswer {
        summary: model.summary,
        ..delta(changed)
    };
    hear(&mut model, answer);
    leave(&mut model, &["new", "old", "api"]);
    let line = (0..3).find(|line| model.is_changed(*line)).unwrap();
    assert!(matches!(model.item(line), Some(Item::Instance(row)) if row.name == "web"));
    // The numbers of the fixture's tombstones moved by one, so all of them are others now.
    assert_eq!(model.changed(), 4);

    press(&mut model, "j");

    assert_eq!(model.changed(), 0);
}

#[test]
fn what_is_not_on_screen_stays_marked() {
    let many = |status| (0..40).map(move |n| row(&format!("s{n:02}"), status, 1));
    let mut model = live((80, 24), many(Status::Up).collect());
    press(&mut model, "2");
    hear(&mut model, delta(many(Status::Down).collect()));
    assert_eq!(model.changed(), 40);
    let body = usize::from(layout(&model).body);

    press(&mut model, "G");
    assert_eq!(model.changed(), 40 - body);
    press(&mut model, "u");
    assert_eq!(model.changed(), 40 - body - body);
}

#[test]
fn an_instance_that_comes_back_is_marked() {
    let mut model = fleet((80, 24));
    press(&mut model, "j");

    let back = instance("old", "10.9.0.1", Status::Up);
    let fresh = instance("brand-new", "10.0.0.9", Status::Up);
    hear(&mut model, delta(vec![back, fresh]));

    let marked: Vec<usize> = (0..model.table_len())
        .filter(|l| model.is_changed(*l))
        .collect();
    let names: Vec<&str> = marked
        .iter()
        .filter_map(|line| model.rows.row(*line))
        .map(|row| row.name.as_str())
        .collect();
    assert_eq!(names, ["old"]);
}
