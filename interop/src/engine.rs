use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::ErrorKind;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;

use bollard::Docker;
use bollard::query_parameters::{
    ListContainersOptionsBuilder, ListImagesOptionsBuilder, ListNetworksOptionsBuilder,
    RemoveContainerOptionsBuilder, RemoveImageOptions,
};
use thiserror::Error;
use tokio::sync::Mutex;

use crate::owner::Owner;

/// The Docker engine of this machine, and what of it belongs to one lab.
#[derive(Clone, Debug)]
pub(crate) struct Engine {
    pub(crate) docker: Docker,
    /// Held while something is made, and for ever once nothing more may be.
    pub(crate) making: Arc<Mutex<()>>,
    folder: String,
    owner: Owner,
}

impl Engine {
    const FOLDER: &str = "org.xmpp-s2s.interop.folder";
    const OWNER: &str = "org.xmpp-s2s.interop.owner";

    /// Connects to the engine; a lab is known by the folder that it works in, and by its process.
    pub(crate) async fn connect(folder: &Path, owner: Owner) -> Result<Self, EngineError> {
        let missing = |source| unusable(&socket(), source);
        let docker = Docker::connect_with_local_defaults().map_err(missing)?;
        let docker = docker.negotiate_version().await.map_err(missing)?;
        Ok(Self { docker, making: Arc::default(), folder: folder.display().to_string(), owner })
    }

    /// A name for what only this lab has.
    pub(crate) fn unique_name(&self) -> String {
        let mut hasher = DefaultHasher::new();
        [&self.folder, &self.owner.label()].hash(&mut hasher);
        format!("xmpp-s2s-lab-{:016x}", hasher.finish())
    }

    /// The labels of whatever belongs to this lab.
    pub(crate) fn labels(&self) -> HashMap<String, String> {
        [(Self::FOLDER, self.folder.clone()), (Self::OWNER, self.owner.label())]
            .map(|(name, value)| (name.to_owned(), value))
            .into()
    }

    /// Removes every container and network of this lab, and of any whose process has ended, and
    /// says how many there were. One that stays does not keep the rest. Images go too, once the
    /// build of another has taken their names.
    pub(crate) async fn sweep(&self) -> Result<usize, EngineError> {
        let containers = self.remove_containers().await;
        let networks = self.remove_networks().await;
        self.remove_images().await?;
        Ok(containers? + networks?)
    }

    async fn remove_containers(&self) -> Result<usize, EngineError> {
        let labs = ListContainersOptionsBuilder::new().all(true).filters(&labelled()).build();
        let listed = self.docker.list_containers(Some(labs)).await;
        let listed = listed.map_err(EngineError::of("list the lab's containers"))?;
        let ours = listed.into_iter().filter(|container| self.may_go(container.labels.as_ref()));
        let mut removed = Vec::new();
        for id in ours.filter_map(|container| container.id) {
            let force = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
            let outcome = gone(self.docker.remove_container(&id, Some(force)).await);
            removed.push(outcome.map_err(EngineError::of("remove a container")));
        }
        all(removed)
    }

    async fn remove_networks(&self) -> Result<usize, EngineError> {
        let labs = ListNetworksOptionsBuilder::new().filters(&labelled()).build();
        let listed = self.docker.list_networks(Some(labs)).await;
        let listed = listed.map_err(EngineError::of("list the lab's networks"))?;
        let ours = listed.into_iter().filter(|network| self.may_go(network.labels.as_ref()));
        let mut removed = Vec::new();
        for id in ours.filter_map(|network| network.id) {
            let outcome = gone(self.docker.remove_network(&id).await);
            removed.push(outcome.map_err(EngineError::of("remove a network")));
        }
        all(removed)
    }

    /// Those without a name: it has passed to others, or nobody has got as far as to use them.
    async fn remove_images(&self) -> Result<usize, EngineError> {
        let mut filters = labelled();
        filters.insert("dangling".to_owned(), vec!["true".to_owned()]);
        let labs = ListImagesOptionsBuilder::new().filters(&filters).build();
        let listed = self.docker.list_images(Some(labs)).await;
        let listed = listed.map_err(EngineError::of("list the lab's images"))?;
        let mut removed = Vec::new();
        for image in listed.into_iter().filter(|image| self.may_go(Some(&image.labels))) {
            let outcome = self.docker.remove_image(&image.id, None::<RemoveImageOptions>, None);
            let outcome = gone(outcome.await.map(drop));
            removed.push(outcome.map_err(EngineError::of("remove an image")));
        }
        all(removed)
    }

    /// The folder's lock is ours, so whatever is of this folder is nobody's.
    fn may_go(&self, labels: Option<&HashMap<String, String>>) -> bool {
        let label = |name| labels.and_then(|labels| labels.get(name));
        let owner = label(Self::OWNER).and_then(|label| Owner::of_label(label));
        label(Self::FOLDER) == Some(&self.folder)
            || owner.is_some_and(|owner| owner.is_gone(&self.owner))
    }
}

/// What has the label of any lab.
fn labelled() -> HashMap<String, Vec<String>> {
    HashMap::from([("label".to_owned(), vec![Engine::OWNER.to_owned()])])
}

/// How many there were, or the first that failed.
fn all(outcomes: Vec<Result<(), EngineError>>) -> Result<usize, EngineError> {
    let count = outcomes.len();
    outcomes.into_iter().collect::<Result<(), _>>().map(|()| count)
}

/// Where the engine is asked for.
fn socket() -> String {
    let host = std::env::var("DOCKER_HOST").ok();
    let socket = host.as_deref().and_then(|host| host.strip_prefix("unix://"));
    socket.unwrap_or("/var/run/docker.sock").to_owned()
}

/// Why the engine cannot be used; bollard does not tell one reason from another.
fn unusable(socket: &str, source: bollard::errors::Error) -> EngineError {
    let socket = socket.to_owned();
    match UnixStream::connect(&socket).map_err(|why| why.kind()) {
        Err(ErrorKind::PermissionDenied) => EngineError::Forbidden { socket, source },
        _ => EngineError::Missing { socket, source },
    }
}

/// What somebody else removed, or is removing, is as good as removed.
fn gone(removed: Result<(), bollard::errors::Error>) -> Result<(), bollard::errors::Error> {
    use bollard::errors::Error::DockerResponseServerError;
    match removed {
        Err(DockerResponseServerError { status_code: 404 | 409, .. }) => Ok(()),
        other => other,
    }
}

/// Why the Docker engine did not do what the lab needs.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EngineError {
    /// It is not ours to use.
    #[error(
        "the Docker engine at {socket} may not be used; run this as root, or as a member of the \
         group `docker`: `adduser YOU docker`, then log in again"
    )]
    Forbidden {
        /// Where it is.
        socket: String,
        /// What came of the attempt.
        source: bollard::errors::Error,
    },
    /// There is none.
    #[error(
        "no Docker engine answers at {socket} (a DOCKER_HOST with unix:// names another socket), \
         and the lab needs one; on Debian: `apt-get install docker.io`, then `service docker start`"
    )]
    Missing {
        /// Where it should be.
        socket: String,
        /// What came of the attempt.
        source: bollard::errors::Error,
    },
    /// It refused.
    #[error("the Docker engine did not {what}")]
    Refused {
        /// What it should have done.
        what: &'static str,
        /// What it said.
        source: bollard::errors::Error,
    },
}

impl EngineError {
    pub(crate) fn of(what: &'static str) -> impl Fn(bollard::errors::Error) -> Self {
        move |source| Self::Refused { what, source }
    }
}
