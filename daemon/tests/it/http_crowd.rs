//! More connections than there are seats.

use crate::daemon::Daemon;
use crate::raw::request;

#[tokio::test]
async fn the_connection_that_rests_for_longest_gives_way_to_a_new_one() {
    let daemon = Daemon::start_with(&[("max-connections", "2")]);
    let ask = request("GET", "/healthz", &[], b"");
    let mut first = daemon.connect().await;
    let mut second = daemon.connect().await;
    assert_eq!(first.ask(&ask).await.status, 200);
    assert_eq!(second.ask(&ask).await.status, 200);

    let mut third = daemon.connect().await;
    let answer = third.ask(&ask).await;

    assert_eq!(answer.status, 200);
    assert!(first.is_closed().await);
    assert_eq!(second.ask(&ask).await.status, 200);
}
