//! What an operator sees of `serve`.

mod stopping;

use crate::{HERE, THERE};
