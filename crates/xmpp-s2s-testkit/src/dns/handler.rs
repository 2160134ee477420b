//! Between hickory's server and the zone.

use std::sync::Arc;

use async_trait::async_trait;
use hickory_server::net::runtime::Time;
use hickory_server::proto::op::{Header, HeaderCounts, Metadata, ResponseCode};
use hickory_server::server::{Request, RequestHandler, ResponseHandler, ResponseInfo};
use hickory_server::zone_handler::MessageResponseBuilder;

use super::zone::{Answer, Failure};
use super::{Query, Shared};

pub(super) struct Handler(Arc<Shared>);

impl Handler {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self(shared)
    }

    /// Notes the question and looks the answer up.
    fn answer(&self, request: &Request) -> Answer {
        let Ok(info) = request.request_info() else {
            return Answer::Failure(Failure::ServFail);
        };
        let (name, record_type) = (info.query.name(), info.query.query_type());
        let text = name.to_string();
        self.0.queries.push(Query {
            name: text.strip_suffix('.').unwrap_or(&text).to_owned(),
            record_type: record_type.to_string(),
        });
        self.0.zone().answer(name, record_type)
    }
}

#[async_trait]
impl RequestHandler for Handler {
    async fn handle_request<R: ResponseHandler, T: Time>(
        &self,
        request: &Request,
        mut handle: R,
    ) -> ResponseInfo {
        let mut metadata = Metadata::response_from_request(&request.metadata);
        metadata.recursion_available = true;
        let (code, records) = match self.answer(request) {
            Answer::Records(records) => (ResponseCode::NoError, records),
            Answer::Failure(Failure::NxDomain) => (ResponseCode::NXDomain, vec![]),
            Answer::Failure(Failure::ServFail) => (ResponseCode::ServFail, vec![]),
            Answer::Failure(Failure::Silence) => return nothing_sent(metadata),
        };
        metadata.response_code = code;
        let response = MessageResponseBuilder::from_message_request(request);
        let response = response.build(metadata, &records, [], [], []);
        // An error says that the one who asked is gone.
        handle.send_response(response).await.unwrap_or_else(|_| nothing_sent(metadata))
    }
}

/// What hickory counts for an answer that is not sent.
fn nothing_sent(metadata: Metadata) -> ResponseInfo {
    Header { metadata, counts: HeaderCounts::default() }.into()
}
