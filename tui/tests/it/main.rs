//! What the whole program does, one file per behavior.
#![cfg(test)]

mod daemon;
mod pty;

mod beat;
mod bytes;
mod ending;
mod foreign;
mod hostile;
mod layers;
mod once;
mod restricted;
mod secure;
mod sequences;
mod session;
mod sshd;
mod tmux;
mod token;
mod unwritten;
mod using;
mod views;
