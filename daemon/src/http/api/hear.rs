//! What a service says by itself: that it is there, and that it lives. Nothing else is as frequent.

use std::net::{IpAddr, Ipv6Addr};

use lastbeat_proto::Address;
use lastbeat_proto::endpoint::Route;
use lastbeat_proto::register::{Registration, Texts};

use super::{Call, Outcome, Told};
use crate::http::answer::{self, Answer};
use crate::http::problem::Refusal;
use crate::registry::HeardAnswer;

/// Where nobody is (the discard-only prefix, RFC 6666). It stands for a caller who is not known, and
/// not the address of the proxy, at which an instance of the same name may be.
const NOWHERE: IpAddr = IpAddr::V6(Ipv6Addr::new(0x100, 0, 0, 0, 0, 0, 0, 0));

impl Call<'_> {
    pub(super) fn register(&mut self) -> Told<'_> {
        match self.hear_again() {
            Ok(Ok(heard)) => self.heard(heard),
            Ok(Err(registration)) => Told::later(self.register_new(registration)),
            Err(refusal) => Told::Now(Err(refusal)),
        }
    }

    pub(super) fn heartbeat(&self) -> Told<'_> {
        match self.hear() {
            Ok(heard) => self.heard(heard),
            Err(refusal) => Told::Now(Err(refusal)),
        }
    }

    /// Most registrations say nothing new and are heard at once; the others are told.
    fn hear_again(&mut self) -> Result<Result<HeardAnswer, Registration>, Refusal> {
        // It may be a part of all that was read from the connection, and the disk may take long.
        let body = std::mem::take(&mut self.body);
        let registry = &self.site.registry;
        let texts = Texts::read(&body).filter(|texts| texts.ip.is_some() || self.sender.is_known);
        if let Some(heard) = texts.and_then(|texts| registry.hear_by_texts(&texts, &self.address()))
        {
            return Ok(Ok(heard));
        }
        let registration = Registration::parse(&body)?;
        if registration.ip.is_none() && !self.sender.is_known {
            return Err(self.unknown_sender());
        }
        let heard = registry.hear_again(&registration, &self.address());
        Ok(heard.ok_or(registration))
    }

    async fn register_new(&self, registration: Registration) -> Outcome {
        self.charge()?;
        let registry = &self.site.registry;
        let heard = registry.register(&registration, &self.address()).await?;
        Ok(self.answer_to(&heard))
    }

    fn hear(&self) -> Result<HeardAnswer, Refusal> {
        let (name, instance) = (self.name()?, self.instance()?);
        let caller = if self.sender.is_known {
            self.address()
        } else {
            Address::from(NOWHERE)
        };
        let registry = &self.site.registry;
        Ok(registry.heartbeat(&name, instance.as_ref(), &caller)?)
    }

    /// The answer to who was heard, once what that changed is stored.
    fn heard(&self, heard: HeardAnswer) -> Told<'_> {
        let registry = &self.site.registry;
        if registry.has_stored(heard.urgent) {
            return Told::Now(Ok(self.answer_to(&heard)));
        }
        Told::later(async move {
            registry.until_stored(heard.urgent).await?;
            Ok(self.answer_to(&heard))
        })
    }

    fn answer_to(&self, heard: &HeardAnswer) -> Answer {
        if self.destination.route == Route::Register && self.is_form() {
            return answer::see_other(&self.root());
        }
        answer::usual(heard.json())
    }
}
