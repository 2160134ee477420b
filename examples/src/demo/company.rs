//! A hosting company that changes its certificate, and one of its customers.

use std::mem;
use std::net;
use std::time::Duration;

use posh::Profile;
use tokio::net::TcpListener;
use xmpp_s2s_testkit::{Identity, World, well_known};

use super::DemoError;
use super::cast::{self, Cast, LANDLORD, Member, TENANT, XMPP_LANDLORD};
use super::mailbox::Mailbox;

/// How long streams may take to close when the server restarts.
const CLOSING: Duration = Duration::from_secs(5);

/// The company and its server. The customer refers to the list that the company publishes.
pub(super) struct Company<'a> {
    /// The certificate that it has had so far.
    pub(super) old: Identity,
    /// The one that is to take its place.
    pub(super) new: Identity,
    server: Member,
    /// Stays open while the server restarts, as systemd keeps it: who calls meanwhile waits.
    socket: net::TcpListener,
    world: &'a World,
    /// How much everybody had read from the web before.
    requests: usize,
}

impl<'a> Company<'a> {
    /// Its server is up, and lists and shows the old certificate.
    pub(super) async fn start(cast: &'a Cast) -> Result<Self, DemoError> {
        let world = &cast.world;
        let issue = || world.xmpp_authority.issue_for(XMPP_LANDLORD);
        let (old, new) = (issue(), issue());
        let socket = cast::listen().await?.into_std()?;
        let server = serve(world, &socket, &old, Mailbox::default())?;
        let company =
            Self { old, new, server, socket, world, requests: world.web.requests().len() };
        company.list(&[&company.old]);
        world.refer(TENANT, Profile::Rfc7711, &well_known(LANDLORD, Profile::Rfc7711));
        cast.lead(TENANT, &company.server);
        Ok(company)
    }

    /// Restarts the server, which shows `identity` then. It closes every stream in order, so what
    /// is on its way still comes.
    pub(super) async fn restart(&mut self, identity: &Identity) -> Result<(), DemoError> {
        let next = serve(self.world, &self.socket, identity, self.mailbox())?;
        mem::replace(&mut self.server, next).close_within(CLOSING).await;
        Ok(())
    }

    /// Lists these certificates from now on.
    pub(super) fn list(&self, identities: &[&Identity]) {
        self.world.publish(LANDLORD, Profile::Rfc7711, identities);
    }

    /// Stops the server. What came in is in the mailbox then.
    pub(super) async fn close(self) {
        self.server.close_within(CLOSING).await;
    }

    /// What came in, at whichever server it was.
    pub(super) fn mailbox(&self) -> Mailbox {
        self.server.mailbox.clone()
    }

    /// How often the list was read.
    pub(super) fn readings(&self) -> usize {
        let requests = self.world.web.requests().all().split_off(self.requests);
        requests.iter().filter(|request| request.server_name == LANDLORD).count()
    }
}

fn serve(
    world: &World,
    socket: &net::TcpListener,
    identity: &Identity,
    mailbox: Mailbox,
) -> Result<Member, DemoError> {
    let listener = TcpListener::from_std(socket.try_clone()?)?;
    let config = cast::config(world, identity, &[TENANT]);
    Member::start(XMPP_LANDLORD, identity.clone(), config, listener, mailbox)
}
