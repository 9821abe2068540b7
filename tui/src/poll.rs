//! Answers the monitor's questions, each in a task of its own so that a slow one holds up nobody.
//! When to ask is decided in `update`.

use std::sync::Arc;

use lastbeat_proto::answer::DeregisterAnswer;
use tokio::sync::mpsc;

use crate::client::Client;
use crate::model::link::{Fault, FaultKind};
use crate::update::{Reply, Request};

/// Questions that may wait. The monitor itself has a handful under way; the rest are held keys.
pub const MAX_WAITING: usize = 64;

/// Serves questions until their sender is gone. `report` is called in the question's task.
pub async fn serve(
    client: Arc<Client>,
    mut requests: mpsc::Receiver<Request>,
    report: impl Fn(Reply) + Clone + Send + 'static,
) {
    while let Some(request) = requests.recv().await {
        let client = Arc::clone(&client);
        let report = report.clone();
        tokio::spawn(async move {
            let reply = answer(&client, request).await;
            report(reply);
        });
    }
}

/// The reply to a question that could not even wait.
pub fn turned_away(request: Request) -> Reply {
    let text = format!("{MAX_WAITING} questions wait already; try again");
    let fault = Fault {
        kind: FaultKind::Unreachable,
        text,
    };
    match request {
        Request::Services { .. } => Reply::Services(Err(fault)),
        Request::Gone => Reply::Gone(Err(fault)),
        Request::Events { name } => Reply::Events {
            name,
            result: Err(fault),
        },
        Request::Uptime { name } => Reply::Uptime {
            name,
            result: Err(fault),
        },
        Request::Refresh { name } => Reply::Refresh {
            name,
            result: Err(fault),
        },
        Request::RefreshAll => Reply::RefreshAll(Err(fault)),
        Request::Deregister { name, .. } => Reply::Deregister {
            name,
            result: Err(fault),
        },
    }
}

async fn answer(client: &Client, request: Request) -> Reply {
    match request {
        Request::Services { since } => {
            let result = client.services(since.as_deref()).await;
            Reply::Services(result.map(Box::new).map_err(Fault::from))
        }
        Request::Gone => Reply::Gone(client.gone().await.map_err(Fault::from)),
        Request::Events { name } => {
            let result = client.events(name.as_deref()).await.map_err(Fault::from);
            Reply::Events { name, result }
        }
        Request::Uptime { name } => {
            let result = client.uptime(&name).await;
            Reply::Uptime {
                name,
                result: result.map(Box::new).map_err(Fault::from),
            }
        }
        Request::Refresh { name } => {
            let result = client.refresh(&name).await;
            Reply::Refresh {
                name,
                result: result.map(Box::new).map_err(Fault::from),
            }
        }
        Request::RefreshAll => Reply::RefreshAll(client.refresh_all().await.map_err(Fault::from)),
        Request::Deregister { name, instances } => {
            let result = deregister(client, &name, &instances).await;
            Reply::Deregister { name, result }
        }
    }
}

/// Takes instances out one by one, the first refusal ending it.
async fn deregister(
    client: &Client,
    name: &str,
    instances: &[String],
) -> Result<DeregisterAnswer, Fault> {
    let mut whole = DeregisterAnswer {
        message: String::new(),
        removed: Vec::new(),
    };
    for (index, instance) in instances.iter().enumerate() {
        let answer = client.deregister(name, instance).await.map_err(|error| {
            let Fault { kind, text } = Fault::from(error);
            let text = match index {
                0 => text,
                _ => format!("{text}; {index} of {} are out", instances.len()),
            };
            Fault { kind, text }
        })?;
        whole.removed.extend(answer.removed);
        whole.message = answer.message;
    }
    if 1 < instances.len() {
        whole.message = format!("{} instances of {name} are out", whole.removed.len());
    }
    Ok(whole)
}
