//! Who gives way to whom.

use std::net::Ipv4Addr;

use super::place::At;
use super::*;

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const FAR: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
const OTHER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2));

fn crowd(seats: usize) -> Arc<Crowd> {
    Crowd::new(seats, Proxies::default())
}

async fn seats(crowd: &Arc<Crowd>, peer: IpAddr, count: usize) -> Vec<Seat> {
    let mut seats = Vec::new();
    for _ in 0..count {
        seats.push(crowd.seat(peer).await.unwrap());
    }
    seats
}

/// Takes another seat for `peer` and returns which of these had to leave for it.
async fn leaves(crowd: &Arc<Crowd>, peer: IpAddr, mut all: Vec<Seat>) -> (usize, Vec<Seat>) {
    let next = tokio::spawn({
        let crowd = Arc::clone(crowd);
        async move { crowd.seat(peer).await }
    });
    let asked = all.iter().enumerate().map(|(index, seat)| {
        Box::pin(async move {
            seat.asked_to_leave().await;
            index
        })
    });
    let (index, ..) = select_all(asked.collect()).await;
    drop(all.remove(index));
    all.push(next.await.unwrap().unwrap());
    (index, all)
}

/// The first of these futures that ends.
async fn select_all<F: Future<Output = usize> + Unpin>(mut all: Vec<F>) -> (usize, Vec<F>) {
    let first = std::future::poll_fn(|cx| {
        for future in &mut all {
            if let std::task::Poll::Ready(index) = std::pin::Pin::new(future).poll(cx) {
                return std::task::Poll::Ready(index);
            }
        }
        std::task::Poll::Pending
    });
    (first.await, all)
}

#[tokio::test(start_paused = true)]
async fn the_connection_that_rests_for_longest_gives_way() {
    let crowd = crowd(3);
    let all = seats(&crowd, LOOPBACK, 3).await;
    for index in [2, 0, 1, 2] {
        all[index].work();
        all[index].rest();
    }

    let (left, all) = leaves(&crowd, LOOPBACK, all).await;

    assert_eq!(left, 0);
    assert_eq!(crowd.guests.lock().peers[&LOOPBACK].places.len(), all.len());
    assert_eq!(crowd.census().evicted, 1);
}

#[tokio::test(start_paused = true)]
async fn who_lets_us_wait_for_its_request_leaves_before_one_that_rests() {
    let crowd = crowd(3);
    let all = seats(&crowd, LOOPBACK, 3).await;
    all[0].rest();
    all[1].rest();
    all[2].dawdle();

    let (left, _) = leaves(&crowd, LOOPBACK, all).await;

    assert_eq!(left, 2);
}

#[tokio::test(start_paused = true)]
async fn a_burst_of_new_ones_does_not_drive_out_those_that_rest() {
    let crowd = crowd(6);
    let mut all = seats(&crowd, LOOPBACK, 6).await;
    for seat in all.iter().take(3) {
        seat.rest();
    }
    let mut left = Vec::new();
    for _ in 0..4 {
        let (index, rest) = leaves(&crowd, LOOPBACK, all).await;
        all = rest;
        left.push(index);
    }
    let is_resting = |at: &At| at.can_give_way() && at.doing() == Doing::Resting;
    let guests = crowd.guests.lock();
    let places = guests.peers[&LOOPBACK].places.values();
    let resting = places.map(|place| place.at()).filter(is_resting).count();

    assert_eq!(left[0], 0, "as many rest as arrive");
    assert_eq!(resting, 2, "and no further one: {left:?}");
}

#[tokio::test(start_paused = true)]
async fn the_address_with_the_most_seats_gives_one_up() {
    let crowd = Crowd::new(5, Proxies::new(&["192.0.2.2/32".parse().unwrap()]));
    let mut all = seats(&crowd, OTHER, 2).await;
    all.extend(seats(&crowd, LOOPBACK, 3).await);
    all[0].dawdle();
    for seat in all.iter().skip(1) {
        seat.rest();
    }

    let (left, _) = leaves(&crowd, OTHER, all).await;

    assert_eq!(left, 2, "the oldest of the three");
}

#[tokio::test(start_paused = true)]
async fn a_connection_at_work_is_never_asked_to_leave() {
    let crowd = crowd(1);
    let seat = crowd.seat(LOOPBACK).await.unwrap();
    seat.rest();
    seat.work();

    let next = tokio::time::timeout(Duration::from_secs(10), crowd.seat(LOOPBACK)).await;

    assert!(next.is_err());
    assert!(seat.is_working() && !seat.is_receiving());
}

#[tokio::test]
async fn one_address_takes_half_of_the_seats_and_loopback_and_proxies_all() {
    let proxies = Proxies::new(&["192.0.2.2/32".parse().unwrap()]);
    let crowd = Crowd::new(4, proxies);
    let mut far = seats(&crowd, FAR, 2).await;

    assert!(crowd.seat(FAR).await.is_none());
    drop(seats(&crowd, LOOPBACK, 2).await);
    drop(seats(&crowd, OTHER, 2).await);

    far.pop();
    drop(seats(&crowd, FAR, 1).await);
    drop(far);
    drop(seats(&crowd, OTHER, 4).await);
    assert!(crowd.guests.lock().peers.is_empty());
}

#[tokio::test]
async fn all_addresses_of_one_ipv6_network_are_one_peer_but_not_its_proxy() {
    let address = |text: &str| -> IpAddr { text.parse().unwrap() };
    let proxies = Proxies::new(&["2001:db8::ffff/128".parse().unwrap()]);
    let crowd = Crowd::new(8, proxies);
    let _proxy = seats(&crowd, address("2001:db8::ffff"), 4).await;
    let mut all = seats(&crowd, address("2001:db8::1"), 1).await;
    for last in 2..=4 {
        all.extend(seats(&crowd, address(&format!("2001:db8::{last}:1")), 1).await);
    }

    assert!(crowd.seat(address("2001:db8::5")).await.is_none());
    all[0].rest();
    let other = crowd.seat(address("2001:db8:0:1::1"));
    tokio::select! {
        seat = other => panic!("a ninth seat: {}", seat.is_some()),
        () = all[0].asked_to_leave() => {}
    }

    assert_eq!(crowd.guests.lock().peers.len(), 2);
    drop(all);
    drop(seats(&crowd, address("2001:db8:0:1::1"), 4).await);
}
