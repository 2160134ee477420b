use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use thiserror::Error;
use tokio::sync::Mutex;

use crate::container::{Container, Output, Plan};
use crate::domain::{Domain, Person};
use crate::engine::EngineError;
use crate::images::{Images, ImagesError};
use crate::log::Silence;
use crate::machine::Machine;
use crate::material::{Material, MaterialError};
use crate::network::{Network, NetworkError};
use crate::release::Release;
use crate::site::Site;

/// A running lab: every machine that its domains need.
#[derive(Debug)]
pub struct Lab {
    /// Whose turn it is to play: scenarios share the ports on which a ping waits for its answer.
    pub(crate) turn: Mutex<()>,
    /// Where the files of its machines are, each in a folder of its name.
    pub(crate) folder: PathBuf,
    pub(crate) release: Release,
    material: Material,
    machines: HashMap<Machine, Container>,
}

impl Lab {
    /// How long a machine may take to be ready.
    const READY: Duration = Duration::from_secs(120);

    /// Starts the lab that serves `domains`, and waits until every machine is ready.
    pub(crate) async fn start(
        site: &Site,
        images: &Images,
        release: Release,
        domains: &[Domain],
    ) -> Result<Self, LabError> {
        let network = Network::create(&site.engine).await?;
        let folder = site.folder.join(release.slug());
        remove(&folder)?;
        let material = Material::new(domains, network.subnet);
        material.write(&folder)?;
        let turn = Mutex::default();
        let mut lab = Self { turn, folder, release, material, machines: HashMap::new() };
        for machine in machines(domains) {
            let image = images.id(machine, release).ok_or(LabError::NoImage(machine))?;
            let plan = plan(machine, image.to_owned(), &network, &lab.folder);
            let container = Container::start(&site.engine, &network, plan).await?;
            lab.machines.insert(machine, container);
        }
        for (machine, container) in &lab.machines {
            ready(*machine, release, container).await?;
            has_no_way_out(*machine, container, &network).await?;
        }
        for domain in domains {
            lab.register(domain).await?;
        }
        eprintln!("lab: {release} is on {}", network.subnet);
        Ok(lab)
    }

    /// Makes the account of who lives on `domain`.
    async fn register(&self, domain: &Domain) -> Result<(), LabError> {
        let (Some(user), Some(server)) = (domain.person.name(), self.machine(domain.machine))
        else {
            return Ok(());
        };
        let prosodyctl = ["prosodyctl", "--config", "/lab/prosody.cfg.lua", "register"];
        let account = [user, domain.name, Person::PASSWORD];
        let output = server.run(&[&prosodyctl[..], &account].concat()).await?;
        match output.status {
            Some(0) => Ok(()),
            _ => Err(LabError::NoAccount { domain: domain.name, output }),
        }
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

/// The machines that a lab of these domains has.
pub(crate) fn machines(domains: &[Domain]) -> impl Iterator<Item = Machine> {
    Machine::ALL.into_iter().filter(|machine| match machine {
        Machine::Dns | Machine::Web => true,
        Machine::Client => domains.iter().any(|domain| domain.person != Person::Nobody),
        Machine::Prosody | Machine::Other | Machine::Server | Machine::Caller | Machine::Host => {
            domains.iter().any(|domain| domain.machine == *machine)
        }
    })
}

fn plan(machine: Machine, image: String, network: &Network, folder: &Path) -> Plan {
    let mut mounts = vec![(folder.join("resolv.conf"), "/etc/resolv.conf")];
    if machine != Machine::Client {
        mounts.push((folder.join(machine.name()), "/lab"));
    }
    if machine.runs_prosody() {
        mounts.push((Path::new(env!("CARGO_MANIFEST_DIR")).join("prosody"), "/plugins"));
    }
    let command = (machine == Machine::Caller).then(|| vec!["sleep", "infinity"]);
    let address = machine.address(network.subnet);
    Plan { name: machine.name(), image, address, mounts, command }
}

/// Waits until a machine serves, a Prosody of the right release.
async fn ready(machine: Machine, release: Release, container: &Container) -> Result<(), LabError> {
    let version = format!("version {}.", release.version());
    let signs = match machine {
        Machine::Dns => vec!["all zones loaded"],
        Machine::Web => vec!["start worker process"],
        Machine::Prosody | Machine::Other => {
            vec![version.as_str(), "Activated service 's2s_direct_tls' on [*]:5270"]
        }
        Machine::Server => vec!["listening address=0.0.0.0:5270"],
        Machine::Caller | Machine::Client | Machine::Host => return Ok(()),
    };
    let said = |log: &str| signs.iter().all(|sign| log.contains(sign));
    let waited = container.log.wait_for(0, Lab::READY, said).await;
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

/// What to do if a machine that says this does not get ready.
fn hint(said: &str) -> &'static str {
    match said.contains("GLIBC_") {
        true => {
            " (its image is older than the glibc of this system, where its program was built: set \
             CARGO_BUILD_TARGET to this system's target, and \
             RUSTFLAGS='-C target-feature=+crt-static')"
        }
        false => "",
    }
}

/// Why the lab did not come up.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LabError {
    /// There are not all the images.
    #[error(transparent)]
    Images(#[from] ImagesError),
    /// An image was forgotten.
    #[error("no image was built for the machine `{0}`")]
    NoImage(Machine),
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
    /// An account could not be made.
    #[error("no account could be made on {domain}: {output:?}")]
    NoAccount {
        /// Where.
        domain: &'static str,
        /// What the server's tool said.
        output: Output,
    },
    /// A machine is not what it should be.
    #[error("the machine `{machine}` is not ready: {why}{}; it said:\n{said}", hint(said))]
    NotReady {
        /// Which.
        machine: Machine,
        /// Why not.
        why: Silence,
        /// Its log.
        said: String,
    },
}
