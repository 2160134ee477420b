use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use bollard::Docker;
use bollard::query_parameters::{
    ListContainersOptionsBuilder, ListNetworksOptionsBuilder, RemoveContainerOptionsBuilder,
};
use thiserror::Error;
use tokio::sync::Mutex;

/// The Docker engine of this machine, and what of it belongs to one lab.
#[derive(Clone, Debug)]
pub(crate) struct Engine {
    pub(crate) docker: Docker,
    /// Held while something is made, and for ever once nothing more may be.
    pub(crate) making: Arc<Mutex<()>>,
    lab: String,
}

impl Engine {
    const LABEL: &str = "org.xmpp-s2s.interop.lab";

    /// Connects to the engine; a lab is known by the folder that it works in.
    pub(crate) async fn connect(folder: &Path) -> Result<Self, EngineError> {
        let missing = |source| EngineError::Missing { source };
        let docker = Docker::connect_with_local_defaults().map_err(missing)?;
        let docker = docker.negotiate_version().await.map_err(missing)?;
        Ok(Self { docker, making: Arc::default(), lab: folder.display().to_string() })
    }

    /// The label of whatever belongs to this lab.
    pub(crate) fn labels(&self) -> HashMap<String, String> {
        HashMap::from([(Self::LABEL.to_owned(), self.lab.clone())])
    }

    /// Removes every container and network of this lab, and says how many there were.
    pub(crate) async fn sweep(&self) -> Result<usize, EngineError> {
        Ok(self.remove_containers().await? + self.remove_networks().await?)
    }

    async fn remove_containers(&self) -> Result<usize, EngineError> {
        let ours = ListContainersOptionsBuilder::new().all(true).filters(&self.filters()).build();
        let listed = self.docker.list_containers(Some(ours)).await;
        let ids = listed.map_err(EngineError::of("list the lab's containers"))?;
        let ids: Vec<String> = ids.into_iter().filter_map(|container| container.id).collect();
        for id in &ids {
            let force = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
            gone(self.docker.remove_container(id, Some(force)).await)
                .map_err(EngineError::of("remove a container"))?;
        }
        Ok(ids.len())
    }

    async fn remove_networks(&self) -> Result<usize, EngineError> {
        let ours = ListNetworksOptionsBuilder::new().filters(&self.filters()).build();
        let listed = self.docker.list_networks(Some(ours)).await;
        let ids = listed.map_err(EngineError::of("list the lab's networks"))?;
        let ids: Vec<String> = ids.into_iter().filter_map(|network| network.id).collect();
        for id in &ids {
            gone(self.docker.remove_network(id).await)
                .map_err(EngineError::of("remove a network"))?;
        }
        Ok(ids.len())
    }

    fn filters(&self) -> HashMap<String, Vec<String>> {
        HashMap::from([("label".to_owned(), vec![format!("{}={}", Self::LABEL, self.lab)])])
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
    /// There is none, or it is not ours to use.
    #[error(
        "no Docker engine answers, and the lab needs one; on Debian: `apt-get install docker.io`, \
         then run this as root or as a member of the group `docker`"
    )]
    Missing {
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
