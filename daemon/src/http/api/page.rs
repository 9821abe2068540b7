//! The dashboard's endpoints: pages, their live parts and what they load.

use lastbeat_proto::query::{self, HistoryQuery, ListQuery};

use super::{Call, Outcome};
use crate::http::dashboard::{self, Asked};
use crate::http::problem::{Failure, Refusal};
use crate::registry::RegistryError;

impl Call<'_> {
    pub(super) async fn page(&self) -> Outcome {
        let query = self.page_query()?;
        let _turn = self.turn_to_render().await;
        let page = dashboard::page(&self.asked(), &query, self.site.registry.overview(&query));
        self.kept(page.map_err(Failure::from)?).await
    }

    pub(super) async fn rows(&self) -> Outcome {
        let query = self.page_query()?;
        let _turn = self.turn_to_render().await;
        let rows = dashboard::rows(&self.asked(), &query, self.site.registry.overview(&query));
        self.kept(rows.map_err(Failure::from)?).await
    }

    pub(super) async fn service_page(&self) -> Outcome {
        let name = self.name()?;
        let text = name.to_string();
        let _turn = self.turn_to_render().await;
        let seen = self.site.registry.page(&ListQuery {
            name: Some(text.clone()),
            ..ListQuery::default()
        });
        let gone = self.site.registry.gone(&HistoryQuery {
            name: Some(text.clone()),
            before: None,
            limit: query::LIMIT,
        });
        let past = self.read(move |registry| registry.past(&name)).await?;
        if let Some(error) = &past.missing {
            tracing::warn!(%error, "the page of service {text} shows what is in memory");
        }
        if seen.services.is_empty() && gone.gone.is_empty() && past.events.events.is_empty() {
            return Err(RegistryError::Unknown {
                name: text,
                instance: None,
            }
            .into());
        }
        let page = dashboard::service(&self.asked(), &text, seen, gone, past);
        self.kept(page.map_err(Failure::from)?).await
    }

    /// The list's query; a delta is not for pages.
    fn page_query(&self) -> Result<ListQuery, Refusal> {
        let query = ListQuery::parse(self.query())?;
        Ok(ListQuery {
            since: None,
            wait: None,
            ..query
        })
    }

    fn asked(&self) -> Asked<'_> {
        Asked {
            head: self.head,
            machine: self.site.machine.as_deref(),
            theme: self.site.theme(),
            sender: self.sender,
            caller: &self.caller,
        }
    }
}
