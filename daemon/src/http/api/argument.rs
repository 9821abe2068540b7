//! What a request says beside its route: the name in its path, its query, the instance it means.

use lastbeat_proto::problem::{FieldError, Slug};
use lastbeat_proto::{InstanceId, ServiceName, path, query, register};

use super::Call;
use crate::http::problem::Refusal;

impl Call<'_> {
    pub(super) fn name(&self) -> Result<ServiceName, Refusal> {
        Ok(path::decode_name(self.destination.name)?)
    }

    pub(super) fn query(&self) -> &str {
        self.head.uri.query().unwrap_or_default()
    }

    pub(super) fn instance(&self) -> Result<Option<InstanceId>, Refusal> {
        if self.query().is_empty() {
            return Ok(None);
        }
        if 1 < query::keys_of(self.query())
            .filter(|key| key == "instance")
            .count()
        {
            return Err(Refusal::from(vec![FieldError {
                field: "instance".to_owned(),
                detail: "stands twice in the query; name one".to_owned(),
            }]));
        }
        // Empty, as a script sends it whose variable is unset, it must not mean all of them.
        let given = query::given(self.query(), "instance");
        given.map(|text| parse_instance(&text)).transpose()
    }

    /// What a form or a JSON object says of the instance, for clients that send no query.
    pub(super) fn instance_in_body(&self) -> Result<Option<InstanceId>, Refusal> {
        let given = register::instance_of(&self.body)?;
        given.map(|text| parse_instance(&text)).transpose()
    }

    /// The sender's address is not the proxy's, and nobody who is believed says which it is.
    pub(super) fn unknown_sender(&self) -> Refusal {
        let through = if self.site.proxies.has(self.sender.ip) {
            "a trusted proxy whose X-Forwarded-For does not end in an address; send ip, or let the \
             proxy write there from where the request came"
        } else {
            "a proxy that is not trusted to say from where; send ip, or name the proxy with \
             --trusted-proxy"
        };
        let detail = format!("is missing, and the request came through {through}");
        Refusal::Unusable {
            slug: Slug::InvalidBody,
            detail: format!("ip {detail}"),
            errors: vec![FieldError {
                field: "ip".to_owned(),
                detail,
            }],
        }
    }

    /// A misspelt key must not make a request that takes away mean more than it said.
    pub(super) fn refuse_unknown_keys(&self, known: &[&str]) -> Result<(), Refusal> {
        let errors: Vec<FieldError> = query::keys_of(self.query())
            .filter(|key| !known.contains(&key.as_ref()))
            .map(|key| FieldError {
                field: key.into_owned(),
                detail: format!("is not known here; known is {}", known.join(", ")),
            })
            .collect();
        if errors.is_empty() {
            Ok(())
        } else {
            Err(Refusal::from(errors))
        }
    }
}

fn parse_instance(text: &str) -> Result<InstanceId, Refusal> {
    InstanceId::parse(text).map_err(|error| {
        let detail = error.to_string();
        Refusal::from(vec![FieldError {
            field: "instance".to_owned(),
            detail,
        }])
    })
}
