//! What holds for all documents: that another reader reads them alike, and that what is published is
//! found again.

#![allow(clippy::unwrap_used, reason = "what goes wrong fails the test")]

mod agreement;
mod differential;
mod json;
mod known;
mod publishing;
mod reading;
mod sketch;
