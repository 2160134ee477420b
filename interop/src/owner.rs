use std::fs;
use std::io;
use std::str::FromStr;

/// A process, so that others on this machine can tell whether it still runs.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Owner {
    /// Which start of the machine it belongs to.
    boot: String,
    /// In which namespace its number means anything.
    namespace: String,
    pid: u32,
    /// When it began, in ticks of this boot: numbers are used again.
    began: u64,
}

impl Owner {
    /// This process.
    pub(crate) fn this() -> io::Result<Self> {
        let pid = std::process::id();
        Ok(Self {
            boot: fs::read_to_string("/proc/sys/kernel/random/boot_id")?.trim().to_owned(),
            namespace: fs::read_link("/proc/self/ns/pid")?.display().to_string(),
            pid,
            began: began(pid)?.ok_or(io::ErrorKind::InvalidData)?,
        })
    }

    /// Whether it has certainly ended, as seen by `this` process.
    pub(crate) fn is_gone(&self, this: &Self) -> bool {
        let can_be_seen = self.namespace == this.namespace;
        let is_over = || began(self.pid).is_ok_and(|began| began != Some(self.began));
        self.boot != this.boot || can_be_seen && is_over()
    }

    /// What goes into a label, and comes out of it.
    pub(crate) fn label(&self) -> String {
        format!("{} {} {} {}", self.boot, self.namespace, self.pid, self.began)
    }

    /// The owner in a label.
    pub(crate) fn of_label(label: &str) -> Option<Self> {
        let mut words = label.split(' ');
        let mut word = || words.next();
        Some(Self {
            boot: word()?.to_owned(),
            namespace: word()?.to_owned(),
            pid: number(word()?)?,
            began: number(word()?)?,
        })
    }
}

fn number<N: FromStr>(word: &str) -> Option<N> {
    word.parse().ok()
}

/// When a process began, if it is there.
fn began(pid: u32) -> io::Result<Option<u64>> {
    /// Counted from the one behind the program's name, which may hold anything.
    const START_TIME: usize = 19;
    match fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(stat) => {
            let fields = stat.rsplit_once(')').map(|(_, fields)| fields.split_whitespace());
            let began = fields.and_then(|mut fields| fields.nth(START_TIME)).and_then(number);
            began.map(Some).ok_or_else(|| io::ErrorKind::InvalidData.into())
        }
        Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(why) => Err(why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_running_process_is_not_gone() {
        let this = Owner::this().unwrap();
        assert!(!this.is_gone(&this));
    }

    #[test]
    fn a_process_whose_number_has_passed_to_another_is_gone() {
        let this = Owner::this().unwrap();
        let before = Owner { began: this.began - 1, ..this.clone() };
        assert!(before.is_gone(&this));
    }

    #[test]
    fn a_process_of_an_earlier_boot_is_gone() {
        let this = Owner::this().unwrap();
        let before = Owner { boot: "earlier".to_owned(), ..this.clone() };
        assert!(before.is_gone(&this));
    }

    #[test]
    fn a_process_that_cannot_be_seen_from_here_is_not_gone() {
        let this = Owner::this().unwrap();
        let hidden =
            Owner { namespace: "pid:[1]".to_owned(), began: this.began - 1, ..this.clone() };
        assert!(!hidden.is_gone(&this));
    }

    #[test]
    fn an_owner_is_known_by_its_label() {
        let this = Owner::this().unwrap();
        assert_eq!(Owner::of_label(&this.label()), Some(this));
    }
}
