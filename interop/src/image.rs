use std::collections::HashMap;
use std::path::Path;
use std::process::{ExitStatus, Stdio};

use bollard::query_parameters::{BuildImageOptionsBuilder, CreateImageOptionsBuilder};
use bollard::{body_full, errors::Error::DockerResponseServerError};
use bytes::Bytes;
use futures_util::TryStreamExt as _;
use thiserror::Error;
use tokio::process::Command;

use crate::engine::{Engine, EngineError};

/// A release of Debian, the base of images.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Debian {
    /// 12.
    Bookworm,
    /// 13.
    Trixie,
}

/// An image of the lab: a folder of `interop/images`, and what it is built upon.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Image {
    pub(crate) name: &'static str,
    pub(crate) debian: Debian,
}

impl Image {
    /// Builds it, with a file of the host's if there is one, and gives its id. Docker's own cache
    /// knows whether anything but the labels has changed. Whoever builds it next takes the name
    /// from it; without one it goes with what else belongs to this lab.
    pub(crate) async fn build(
        self,
        engine: &Engine,
        extra: Option<&Path>,
    ) -> Result<String, ImageError> {
        let tag = format!("xmpp-s2s-lab/{}:{}", self.name, self.debian.name());
        let labels = engine.labels();
        let arguments = HashMap::from([("DEBIAN", self.debian.name())]);
        let options = BuildImageOptionsBuilder::new().t(&tag).labels(&labels).buildargs(&arguments);
        let options = options.rm(true).forcerm(true).build();
        let context = body_full(run(self.context(extra)).await?);
        let mut steps = engine.docker.build_image(options, None, Some(context));
        let (mut said, mut id) = (String::new(), None);
        loop {
            match steps.try_next().await {
                Ok(Some(step)) => {
                    said.push_str(step.stream.as_deref().unwrap_or_default());
                    id = step.aux.and_then(|image| image.id).or(id);
                }
                Ok(None) => break,
                Err(source) => return Err(ImageError::Build { image: self.name, said, source }),
            }
        }
        id.ok_or(ImageError::Unfinished { image: self.name, said })
    }

    /// The build context as a tar archive.
    fn context(self, extra: Option<&Path>) -> Command {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("images").join(self.name);
        let mut tar = Command::new("tar");
        tar.arg("-c").arg("-C").arg(folder).arg(".");
        if let Some((folder, file)) = extra.and_then(|path| path.parent().zip(path.file_name())) {
            tar.arg("-C").arg(folder).arg(file);
        }
        tar
    }
}

impl Debian {
    const REPOSITORY: &str = "debian";

    /// Sees to it that there is a base image: the one at hand, one from a registry, or one made
    /// from Debian's packages under the same name.
    pub(crate) async fn provide(self, engine: &Engine) -> Result<(), ImageError> {
        let tag = format!("{}-slim", self.name());
        let name = format!("{}:{tag}", Self::REPOSITORY);
        match engine.docker.inspect_image(&name).await {
            Ok(_) => return Ok(()),
            Err(DockerResponseServerError { status_code: 404, .. }) => {}
            Err(source) => return Err(EngineError::of("look for a base image")(source).into()),
        }
        let image = || CreateImageOptionsBuilder::new().tag(&tag);
        let pull = image().from_image(Self::REPOSITORY).build();
        let pulled = engine.docker.create_image(Some(pull), None, None);
        let Err(why) = pulled.try_collect::<Vec<_>>().await else { return Ok(()) };
        eprintln!("lab: {name} cannot be pulled ({why}), so it is made with mmdebstrap");
        let files = body_full(run(self.bootstrap()).await?);
        let import = image().from_src("-").repo(Self::REPOSITORY).build();
        let imported = engine.docker.create_image(Some(import), Some(files), None);
        imported.try_collect::<Vec<_>>().await.map_err(EngineError::of("import a base image"))?;
        Ok(())
    }

    fn name(self) -> &'static str {
        match self {
            Self::Bookworm => "bookworm",
            Self::Trixie => "trixie",
        }
    }

    /// Writes the files of a minimal Debian as a tar archive.
    fn bootstrap(self) -> Command {
        let mut mmdebstrap = Command::new("mmdebstrap");
        mmdebstrap.args(["--variant=minbase", "--quiet", "--format=tar", self.name(), "-"]);
        mmdebstrap
    }
}

/// Runs a command to its end and gives what it wrote.
async fn run(mut command: Command) -> Result<Bytes, ImageError> {
    let program = command.as_std().get_program().display().to_string();
    let output = match command.stdin(Stdio::null()).kill_on_drop(true).output().await {
        Ok(output) => output,
        Err(source) => return Err(ImageError::Missing { program, source }),
    };
    if output.status.success() {
        return Ok(output.stdout.into());
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(ImageError::Failed { program, status: output.status, said })
}

/// Why there is no image.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ImageError {
    /// A program of the host cannot be run.
    #[error("{program} is needed to make images; on Debian: `apt-get install {program}`")]
    Missing {
        /// Its name, and that of its package.
        program: String,
        /// Why not.
        source: std::io::Error,
    },
    /// A program of the host failed.
    #[error("{program}: {status}\n{said}")]
    Failed {
        /// Its name.
        program: String,
        /// How it ended.
        status: ExitStatus,
        /// What it wrote.
        said: String,
    },
    /// A step of a Dockerfile failed.
    #[error("the image `{image}` cannot be built:\n{said}")]
    Build {
        /// Its folder in `interop/images`.
        image: &'static str,
        /// What the build wrote.
        said: String,
        /// What the engine said.
        source: bollard::errors::Error,
    },
    /// The engine ended without an image.
    #[error("the build of the image `{image}` ended without one:\n{said}")]
    Unfinished {
        /// Its folder in `interop/images`.
        image: &'static str,
        /// What the build wrote.
        said: String,
    },
    /// The engine refused.
    #[error(transparent)]
    Engine(#[from] EngineError),
}
