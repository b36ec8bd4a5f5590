//! Who there is: which address belongs to whom, how an account proves who it is, and what it may send as.

mod boxed;
mod contract;
mod fold;
mod managed;
mod rules;
mod static_list;

pub use self::boxed::DynDirectory;
pub use self::contract::{AccountCredentials, Directory, Resolution};
pub use self::fold::{ascii_domain, canonical, fold_address, fold_local, fold_login};
pub use self::managed::ManagedDirectory;
pub use self::rules::DirectoryConfig;
pub use self::static_list::{StaticAccount, StaticDirectory};
