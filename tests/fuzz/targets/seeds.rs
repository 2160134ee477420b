//! What the fuzzers begin with, the documents and certificates of the crate's own tests, written to
//! where the engine looks for it.

use std::path::{Path, PathBuf};
use std::{fs, io};

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

/// Every document, in a frame that tells its profile, 0 for draft-02 and 1 for RFC 7711.
///
/// # Panics
///
/// If they cannot be read or written.
pub(crate) fn documents(target: &str, frame: impl Fn(u8, &str) -> Vec<u8>) {
    let write = |file: &Path| {
        let case = fs::read_to_string(file)?;
        let profile = u8::from(case.contains("\"profile\": \"rfc7711\""));
        seed(target, file, "", &frame(profile, &document(&case)))
    };
    files("documents").and_then(|files| files.iter().try_for_each(|file| write(file))).unwrap();
}

/// Every certificate.
///
/// # Panics
///
/// If they cannot be read or written.
pub(crate) fn certificates(target: &str) {
    let write = |file: &Path| {
        let pem = fs::read(file)?;
        let mut certificates = CertificateDer::pem_slice_iter(&pem).enumerate();
        certificates.try_for_each(|(index, certificate)| {
            seed(target, file, &index.to_string(), &certificate.map_err(io::Error::other)?)
        })
    };
    files("certificates").and_then(|files| files.iter().try_for_each(|file| write(file))).unwrap();
}

/// The document of a case, as the tests find it: one that is not JSON stands there as a string.
fn document(case: &str) -> String {
    let start = case.find("\"document\": ").map_or(0, |start| start + "\"document\": ".len());
    let end = case.rfind(",\n  \"expected\"").unwrap_or(case.len());
    serde_json::from_str(&case[start..end]).unwrap_or_else(|_| case[start..end].to_owned())
}

fn seed(target: &str, file: &Path, index: &str, seed: &[u8]) -> io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    fs::create_dir_all(&folder)?;
    let name = file.file_stem().unwrap_or_default().to_string_lossy();
    fs::write(folder.join(format!("seed-{name}{index}")), seed)
}

fn files(folder: &str) -> io::Result<Vec<PathBuf>> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crates/posh/tests");
    fs::read_dir(tests.join(folder))?.map(|file| Ok(file?.path())).collect()
}
