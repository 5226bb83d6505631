//! `rollcall config import`: the configuration of an ironic-inspector as one of ours.
//!
//! Invariant: secrets go to a file that only its owner reads, and nowhere else; a file that exists is not touched
//! unless that was asked for.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::exit;
use crate::config::import::{Imported, Secrets, Source, import};
use crate::error::{Error, Result};
use crate::processing::hooks::registry;

/// `rollcall config import`
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "What became of each option is listed on standard error. Exit code: 0 if nothing is lost, \
                        3 if something is, 1 if nothing was made."
)]
pub struct ConfigImport {
    /// The files, later ones over earlier ones
    #[arg(required = true, value_name = "INSPECTOR_CONF")]
    pub files: Vec<PathBuf>,
    /// Where it is written, readable for its owner only; without it to standard output, without secrets
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Replace the file if it exists
    #[arg(long, requires = "output")]
    pub force: bool,
}

impl ConfigImport {
    /// Does it: the configuration goes to the file or `out`, what became of the options to `told`.
    ///
    /// # Errors
    /// A file that can not be read or written, or one that the ancestor would refuse.
    pub fn run(&self, out: &mut impl Write, told: &mut impl Write) -> Result<ExitCode> {
        let imported = self.import()?;
        match &self.output {
            Some(path) => write_file(path, &imported.text, self.force)?,
            None => out.write_all(imported.text.as_bytes()).map_err(Error::internal)?,
        }
        tell(&imported, told).map_err(Error::internal)?;
        Ok(exit::done(imported.is_whole()))
    }

    fn import(&self) -> Result<Imported> {
        let texts = self.files.iter().map(|path| read(path)).collect::<Result<Vec<_>>>()?;
        let sources: Vec<_> = texts.iter().map(|(place, text)| Source { place, text }).collect();
        let secrets = if self.output.is_some() { Secrets::Written } else { Secrets::LeftOut };
        let hooks: Vec<&str> = registry::all_names().collect();
        import(&sources, &hooks, secrets).map_err(Error::bad_request)
    }
}

fn read(path: &Path) -> Result<(String, String)> {
    let place = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map_err(|cause| Error::bad_request(format!("{place} can not be read: {cause}")))?;
    Ok((place, text))
}

/// The file appears whole or not at all.
fn write_file(path: &Path, text: &str, force: bool) -> Result<()> {
    let shown = path.display();
    let failed = |cause: std::io::Error| Error::bad_request(format!("{shown} can not be written: {cause}"));
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Made with mode 0600.
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.as_file().sync_all()).map_err(failed)?;
    let placed = if force { file.persist(path) } else { file.persist_noclobber(path) };
    placed.map(drop).map_err(|error| failed(error.error))
}

fn tell(imported: &Imported, told: &mut impl Write) -> std::io::Result<()> {
    for finding in &imported.findings {
        writeln!(told, "{finding}")?;
    }
    let [carried, renamed, needless, lost] = imported.counts();
    writeln!(told, "{carried} carried over, {renamed} renamed, {needless} not needed, {lost} not supported")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const CONF: &str = "[DEFAULT]\nauth_strategy = noauth\ntimeout = 900\n[pxe_filter]\ndriver = noop\n[ironic]\n\
                        auth_type = http_basic\nendpoint_override = http://127.0.0.1:6385\nusername = rollcall\n\
                        password = s3cret\n";

    struct Ran {
        code: ExitCode,
        out: String,
        told: String,
    }

    fn run(folder: &Path, output: Option<&str>, force: bool) -> Result<Ran> {
        let file = folder.join("inspector.conf");
        std::fs::write(&file, CONF).unwrap();
        let command = ConfigImport { files: vec![file], output: output.map(|name| folder.join(name)), force };
        let (mut out, mut told) = (Vec::new(), Vec::new());
        let code = command.run(&mut out, &mut told)?;
        Ok(Ran { code, out: String::from_utf8(out).unwrap(), told: String::from_utf8(told).unwrap() })
    }

    #[test]
    fn the_file_holds_the_secrets_and_is_for_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let ran = run(folder.path(), Some("new.toml"), false).unwrap();
        assert_eq!(ran.code, ExitCode::SUCCESS, "{}", ran.told);
        assert!(ran.out.is_empty() && !ran.told.contains("s3cret"));
        let path = folder.path().join("new.toml");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(std::fs::read_to_string(&path).unwrap().contains("password = \"s3cret\""));
        let (config, report) = crate::config::inspect(Some(&path), std::iter::empty());
        assert!(report.is_good(), "{report:?}");
        assert_eq!((config.timeout, config.ironic.auth.username.as_deref()), (900, Some("rollcall")));
    }

    #[test]
    fn a_file_that_exists_is_replaced_only_when_asked_to() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("new.toml"), "mine").unwrap();
        assert!(run(folder.path(), Some("new.toml"), false).is_err());
        assert_eq!(std::fs::read_to_string(folder.path().join("new.toml")).unwrap(), "mine");
        run(folder.path(), Some("new.toml"), true).unwrap();
        assert_ne!(std::fs::read_to_string(folder.path().join("new.toml")).unwrap(), "mine");
    }

    #[test]
    fn standard_output_gets_no_secrets_and_the_exit_code_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let ran = run(folder.path(), None, false).unwrap();
        assert_eq!(ran.code, ExitCode::from(exit::INCOMPLETE));
        assert!(!ran.out.contains("s3cret") && !ran.told.contains("s3cret"));
        assert!(ran.out.contains("timeout = 900"));
        assert!(ran.told.contains("[ironic] password: not supported: secrets are written to a file only"));
    }
}
