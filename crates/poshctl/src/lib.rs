//! How trails are shown to people, for programs that print them.
//!
//! ```
//! use poshctl::page::{Charset, Ink, Page};
//! use xmpp_s2s::{Pair, Trail};
//!
//! # fn main() -> Result<(), xmpp_s2s::InvalidDomain> {
//! let pair = Pair { local: "a.example".parse()?, remote: "b.example".parse()? };
//! let page = Page { ink: Ink::Black, charset: Charset::Unicode };
//! assert_eq!(page.numbered(&Trail::new(pair)), "");
//! # Ok(())
//! # }
//! ```

pub mod page;
