//! What only this module can see: a schema that grows.

use super::*;

#[test]
fn an_older_schema_is_copied_and_brought_up_to_date() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().canonicalize().unwrap().join("monitoring.db");
    let now = Timestamp::from_micros(1_795_528_687_812_334);
    let ttl = Span::from_secs(60);
    Store::open(&path, now, ttl).unwrap().0.close();
    let newer = [
        schema::MIGRATIONS,
        &["create table later (id integer primary key) strict"],
    ];

    let (store, _, opening) = Store::open_with(&path, now, ttl, &newer.concat()).unwrap();

    let copy = dir
        .path()
        .canonicalize()
        .unwrap()
        .join("monitoring.db.schema-1-20261124T135807Z");
    assert_eq!(opening, Opening::Migrated { copy: copy.clone() });
    store.close();
    let version = |path: &Path| -> i64 {
        Connection::open(path)
            .unwrap()
            .pragma_query_value(None, "user_version", |row| row.get(0))
            .unwrap()
    };
    assert_eq!((version(&copy), version(&path)), (1, 2));
    assert!(matches!(
        Store::open(&path, now, ttl).unwrap_err(),
        StoreError::Newer {
            version: 2,
            ours: 1,
            ..
        }
    ));
    let (_store, _, opening) = Store::open_with(&path, now, ttl, &newer.concat()).unwrap();
    assert_eq!(opening, Opening::Existing);
}
