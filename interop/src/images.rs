use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use thiserror::Error;
use tokio::time::timeout;

use crate::image::{Debian, Image, ImageError};
use crate::machine::Machine;
use crate::program::{self, ProgramError};
use crate::release::Release;
use crate::site::Site;

/// The images that machines are made of, all of them built.
#[derive(Debug)]
pub(crate) struct Images(HashMap<Image, String>);

impl Images {
    /// How long it may take to build our server and all images, on a machine that has nothing yet.
    const DEADLINE: Duration = Duration::from_secs(15 * 60);

    /// Builds what `machines` need, each with the release of Prosody that its lab is about.
    pub(crate) async fn build(
        site: &Site,
        machines: impl IntoIterator<Item = (Machine, Release)>,
    ) -> Result<Self, ImagesError> {
        let machines = machines.into_iter();
        let needed = machines.map(|(machine, release)| image(machine, release)).collect();
        let built = timeout(Self::DEADLINE, build(site, needed)).await;
        built.map_err(|_| ImagesError::Slow(Self::DEADLINE))?.map(Self)
    }

    /// The id of the image of a machine, if it was asked for.
    pub(crate) fn id(&self, machine: Machine, release: Release) -> Option<&str> {
        self.0.get(&image(machine, release)).map(String::as_str)
    }
}

/// Which folder of `interop/images` a machine is made from, and upon what.
fn image(machine: Machine, release: Release) -> Image {
    match machine {
        Machine::Dns => Image { name: "bind", debian: Debian::Bookworm },
        Machine::Web => Image { name: "nginx", debian: Debian::Bookworm },
        Machine::Prosody | Machine::Other => Image { name: "prosody", debian: release.debian() },
        Machine::Server | Machine::Caller | Machine::Host => {
            Image { name: "federating-server", debian: Debian::Bookworm }
        }
        Machine::Client => Image { name: "go-sendxmpp", debian: Debian::Bookworm },
    }
}

async fn build(site: &Site, needed: HashSet<Image>) -> Result<HashMap<Image, String>, ImagesError> {
    let start = Instant::now();
    for debian in needed.iter().map(|image| image.debian).collect::<HashSet<_>>() {
        debian.provide(&site.engine).await?;
    }
    let built = needed.into_iter().map(async |image| {
        let program = match image.name {
            name @ "federating-server" => Some(program::build(name).await?),
            _ => None,
        };
        Ok::<_, ImagesError>((image, image.build(&site.engine, program.as_deref()).await?))
    });
    let images = try_join_all(built).await?.into_iter().collect();
    eprintln!("lab: images are ready after {:.1?}", start.elapsed());
    Ok(images)
}

/// Why there are not all the images.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ImagesError {
    /// Our server was not built.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// An image could not be had.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// They took too long.
    #[error("the images were not ready within {0:?}")]
    Slow(Duration),
}
