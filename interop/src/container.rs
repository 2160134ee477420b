use std::collections::HashMap;
use std::fmt;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::pin::Pin;

use bollard::container::LogOutput;
use bollard::exec::{CreateExecOptions, StartExecResults};
use bollard::models::{
    ContainerCreateBody, EndpointIpamConfig, EndpointSettings, HostConfig, HostConfigLogConfig,
    NetworkingConfig,
};
use bollard::query_parameters::LogsOptionsBuilder;
use futures_util::TryStreamExt as _;
use tokio::io::AsyncWrite;

use crate::engine::{Engine, EngineError};
use crate::log::Log;
use crate::network::Network;

/// What a container is made of.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// How it calls itself.
    pub(crate) name: &'static str,
    /// The id of its image.
    pub(crate) image: String,
    /// Its fixed address.
    pub(crate) address: Ipv4Addr,
    /// Files and folders of the host, and where it sees them; it cannot write to them.
    pub(crate) mounts: Vec<(PathBuf, &'static str)>,
    /// What to run instead of the image's own command.
    pub(crate) command: Option<Vec<&'static str>>,
}

/// A running container.
#[derive(Clone, Debug)]
pub(crate) struct Container {
    engine: Engine,
    id: String,
    pub(crate) log: Log,
}

impl Container {
    /// Starts it and follows what it writes.
    pub(crate) async fn start(
        engine: &Engine,
        network: &Network,
        plan: Plan,
    ) -> Result<Self, EngineError> {
        let body = body(engine, network, plan);
        let _making = engine.making.lock().await;
        let created = engine.docker.create_container(None, body).await;
        let id = created.map_err(EngineError::of("make a container"))?.id;
        let started = engine.docker.start_container(&id, None).await;
        started.map_err(EngineError::of("start a container"))?;
        let follow = LogsOptionsBuilder::new().follow(true).stdout(true).stderr(true).build();
        let docker = engine.docker.clone();
        let log = Log::follow(docker.logs(&id, Some(follow)));
        Ok(Self { engine: engine.clone(), id, log })
    }

    /// What Docker's own commands know it by.
    pub(crate) fn short_id(&self) -> &str {
        self.id.get(..12).unwrap_or(&self.id)
    }

    /// The ids of the networks that it is on.
    pub(crate) async fn networks(&self) -> Result<Vec<String>, EngineError> {
        let inspected = self.engine.docker.inspect_container(&self.id, None).await;
        let settings = inspected.map_err(EngineError::of("inspect a container"))?.network_settings;
        let networks = settings.and_then(|settings| settings.networks).unwrap_or_default();
        Ok(networks.into_values().filter_map(|endpoint| endpoint.network_id).collect())
    }

    /// Runs a command inside and waits for its end.
    pub(crate) async fn run(&self, command: &[&str]) -> Result<Output, EngineError> {
        let refused = EngineError::of("run a command in a container");
        let (id, started) = self.start_command(options(command)).await?;
        let mut output = Output::default();
        if let StartExecResults::Attached { output: mut pieces, .. } = started {
            while let Some(piece) = pieces.try_next().await.map_err(&refused)? {
                output.add(piece);
            }
        }
        let ended = self.engine.docker.inspect_exec(&id).await;
        output.status = ended.map_err(&refused)?.exit_code;
        Ok(output)
    }

    /// Starts a command inside and follows what it writes. Its input stays open meanwhile.
    pub(crate) async fn follow(&self, command: &[&str]) -> Result<Followed, EngineError> {
        let options = CreateExecOptions { attach_stdin: Some(true), ..options(command) };
        match self.start_command(options).await? {
            (_, StartExecResults::Attached { output, input }) => {
                Ok(Followed { log: Log::follow(output), _input: input })
            }
            (_, StartExecResults::Detached) => unreachable!("it was not asked to detach"),
        }
    }

    async fn start_command(
        &self,
        options: CreateExecOptions<&str>,
    ) -> Result<(String, StartExecResults), EngineError> {
        let docker = &self.engine.docker;
        let refused = EngineError::of("run a command in a container");
        let id = docker.create_exec(&self.id, options).await.map_err(&refused)?.id;
        let started = docker.start_exec(&id, None).await.map_err(&refused)?;
        Ok((id, started))
    }

    /// Holds everything in it, as if it had no processor; connections to it are taken all the same.
    pub(crate) async fn pause(&self) -> Result<(), EngineError> {
        let paused = self.engine.docker.pause_container(&self.id).await;
        paused.map_err(EngineError::of("pause a container"))
    }

    /// Lets it go on.
    pub(crate) async fn resume(&self) -> Result<(), EngineError> {
        let resumed = self.engine.docker.unpause_container(&self.id).await;
        resumed.map_err(EngineError::of("let a container go on"))
    }
}

fn options<'a>(command: &[&'a str]) -> CreateExecOptions<&'a str> {
    CreateExecOptions {
        cmd: Some(command.to_vec()),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        ..Default::default()
    }
}

/// A command that runs in a container. When this is dropped its input ends.
pub(crate) struct Followed {
    pub(crate) log: Log,
    _input: Pin<Box<dyn AsyncWrite + Send>>,
}

impl fmt::Debug for Followed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Followed").field("log", &self.log).finish_non_exhaustive()
    }
}

/// Whatever the engine's defaults are: no other network, and a log that can be read back. `z` lets
/// the containers read the files where SELinux guards them.
fn body(engine: &Engine, network: &Network, plan: Plan) -> ContainerCreateBody {
    let bind = |(from, to): (PathBuf, &str)| format!("{}:{to}:ro,z", from.display());
    let endpoint = EndpointSettings {
        ipam_config: Some(EndpointIpamConfig {
            ipv4_address: Some(plan.address.to_string()),
            ..Default::default()
        }),
        ..Default::default()
    };
    ContainerCreateBody {
        image: Some(plan.image),
        hostname: Some(plan.name.to_owned()),
        cmd: plan.command.map(|words| words.into_iter().map(str::to_owned).collect()),
        labels: Some(engine.labels()),
        host_config: Some(HostConfig {
            binds: Some(plan.mounts.into_iter().map(bind).collect()),
            network_mode: Some(network.id.clone()),
            log_config: Some(HostConfigLogConfig {
                typ: Some("json-file".to_owned()),
                ..Default::default()
            }),
            ..Default::default()
        }),
        networking_config: Some(NetworkingConfig {
            endpoints_config: Some(HashMap::from([(network.id.clone(), endpoint)])),
        }),
        ..Default::default()
    }
}

/// What a command inside a container wrote, and how it ended.
#[derive(Clone, Debug, Default)]
pub struct Output {
    /// The exit code; `None` if the engine does not know it.
    pub status: Option<i64>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Output {
    fn add(&mut self, piece: LogOutput) {
        let to = match &piece {
            LogOutput::StdErr { .. } => &mut self.stderr,
            LogOutput::StdOut { .. } | LogOutput::StdIn { .. } | LogOutput::Console { .. } => {
                &mut self.stdout
            }
        };
        to.push_str(&String::from_utf8_lossy(&piece.into_bytes()));
    }
}
