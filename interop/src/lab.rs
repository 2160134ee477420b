use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use thiserror::Error;
use tokio::time::timeout;

use crate::container::{Container, Plan};
use crate::domain::Domain;
use crate::engine::EngineError;
use crate::image::{self, Image, ImageError};
use crate::log::Silence;
use crate::machine::Machine;
use crate::material::{Material, MaterialError};
use crate::network::{Network, NetworkError};
use crate::program::{self, ProgramError};
use crate::site::Site;

/// A running lab: every machine that its domains need.
#[derive(Debug)]
pub struct Lab {
    material: Material,
    machines: HashMap<Machine, Container>,
}

impl Lab {
    /// How long it may take to build our server and all images, on a machine that has nothing yet.
    const IMAGES: Duration = Duration::from_secs(15 * 60);

    /// How long a machine may take to be ready.
    const READY: Duration = Duration::from_secs(30);

    /// Builds the lab that serves `domains`, and waits until every machine is ready.
    pub async fn build(site: &Site, domains: &[Domain]) -> Result<Self, LabError> {
        let needed: Vec<Machine> = needed(domains).collect();
        let images = timeout(Self::IMAGES, images(site, &needed)).await;
        let images = images.map_err(|_| LabError::Slow(Self::IMAGES))??;
        let start = Instant::now();
        let network = Network::create(&site.engine).await?;
        let folder = site.folder.join("lab");
        remove(&folder)?;
        let material = Material::new(domains, network.subnet);
        material.write(&folder)?;
        let mut lab = Self { material, machines: HashMap::new() };
        for machine in needed {
            let image = images[image_of(machine)].clone();
            let plan = plan(machine, image, &network, &folder);
            let container = Container::start(&site.engine, &network, plan).await?;
            lab.machines.insert(machine, container);
        }
        for (machine, container) in &lab.machines {
            ready(*machine, container).await?;
            has_no_way_out(*machine, container, &network).await?;
        }
        eprintln!("lab: up on {} after {:.1?}", network.subnet, start.elapsed());
        Ok(lab)
    }

    pub(crate) fn material(&self) -> &Material {
        &self.material
    }

    pub(crate) fn machine(&self, machine: Machine) -> Option<&Container> {
        self.machines.get(&machine)
    }

    pub(crate) fn machines(&self) -> impl Iterator<Item = (Machine, &Container)> {
        self.machines.iter().map(|(machine, container)| (*machine, container))
    }
}

fn needed(domains: &[Domain]) -> impl Iterator<Item = Machine> {
    Machine::ALL.into_iter().filter(|machine| match machine {
        Machine::Dns | Machine::Web => true,
        Machine::Prosody | Machine::Other | Machine::Server | Machine::Caller => {
            domains.iter().any(|domain| domain.machine == *machine)
        }
    })
}

/// Which folder of `interop/images` a machine is made from.
fn image_of(machine: Machine) -> &'static str {
    match machine {
        Machine::Dns => "bind",
        Machine::Web => "nginx",
        Machine::Prosody | Machine::Other => "prosody",
        Machine::Server | Machine::Caller => "federating-server",
    }
}

/// The ids of the images that the machines need, by name.
async fn images(
    site: &Site,
    machines: &[Machine],
) -> Result<HashMap<&'static str, String>, LabError> {
    let start = Instant::now();
    image::base(&site.engine).await?;
    image::prune(&site.engine).await?;
    let mut names: Vec<&str> = machines.iter().map(|machine| image_of(*machine)).collect();
    names.dedup();
    let built = names.into_iter().map(async |name| {
        let extra = match name {
            "federating-server" => Some(program::build().await?),
            _ => None,
        };
        Ok::<_, LabError>((name, Image { name, extra }.build(&site.engine).await?))
    });
    let images = try_join_all(built).await?.into_iter().collect();
    eprintln!("lab: images are ready after {:.1?}", start.elapsed());
    Ok(images)
}

fn plan(machine: Machine, image: String, network: &Network, folder: &Path) -> Plan {
    let mut mounts = vec![
        (folder.join(machine.name()), "/lab"),
        (folder.join("resolv.conf"), "/etc/resolv.conf"),
    ];
    if matches!(machine, Machine::Prosody | Machine::Other) {
        mounts.push((Path::new(env!("CARGO_MANIFEST_DIR")).join("prosody"), "/plugins"));
    }
    let command = (machine == Machine::Caller).then(|| vec!["sleep", "infinity"]);
    let address = machine.address(network.subnet);
    Plan { name: machine.name(), image, address, mounts, command }
}

async fn ready(machine: Machine, container: &Container) -> Result<(), LabError> {
    let sign = match machine {
        Machine::Dns => "all zones loaded",
        Machine::Web => "start worker process",
        Machine::Prosody | Machine::Other => "Activated service 's2s_direct_tls' on [*]:5270",
        Machine::Server => "listening address=0.0.0.0:5270",
        Machine::Caller => return Ok(()),
    };
    let waited = container.log.wait_for(0, Lab::READY, |log| log.contains(sign)).await;
    waited.map(drop).map_err(|why| LabError::NotReady {
        machine,
        why,
        said: container.log.since(0),
    })
}

/// The lab's network is internal, so all that is needed is that there is no other. Routes show
/// nothing: engines before 27 set a default route there too, and drop what takes it.
async fn has_no_way_out(
    machine: Machine,
    container: &Container,
    network: &Network,
) -> Result<(), LabError> {
    let networks = container.networks().await?;
    match networks == [network.id.as_str()] {
        true => Ok(()),
        false => Err(LabError::WayOut { machine, networks }),
    }
}

fn remove(folder: &Path) -> Result<(), MaterialError> {
    match std::fs::remove_dir_all(folder) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(MaterialError { path: folder.to_owned(), source })
        }
        _ => Ok(()),
    }
}

/// Why the lab did not come up.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LabError {
    /// Our server was not built.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// An image could not be had.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// The images took too long.
    #[error("the images were not ready within {0:?}")]
    Slow(Duration),
    /// The network could not be made.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// What the machines read could not be written.
    #[error(transparent)]
    Material(#[from] MaterialError),
    /// The engine refused.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A machine is not on the lab's network alone.
    #[error("the machine `{machine}` has a way out: it is on the networks {networks:?}")]
    WayOut {
        /// Which.
        machine: Machine,
        /// The ids of its networks.
        networks: Vec<String>,
    },
    /// A machine is not what it should be.
    #[error("the machine `{machine}` is not ready: {why}; it said:\n{said}")]
    NotReady {
        /// Which.
        machine: Machine,
        /// Why not.
        why: Silence,
        /// Its log.
        said: String,
    },
}
