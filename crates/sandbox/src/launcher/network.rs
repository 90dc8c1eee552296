//! The listeners of a jail. They belong to its network but are the server's to accept from.

use std::fs::File;
use std::io;
use std::net::SocketAddrV4;
use std::os::fd::{AsFd, OwnedFd};

use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, listen, socket_with, sockopt};
use rustix::thread::{
    LinkNameSpaceType, ThreadNameSpaceType, move_into_link_name_space, move_into_thread_name_spaces,
};

use crate::spec::Network;

/// Where a function finds the Runtime API, when it has a network of its own.
const RUNTIME_API_PORT: u16 = 9001;
/// Where it finds the Lambent endpoint.
const ENDPOINT_PORT: u16 = 4566;
/// Extensions and the runtime hold a few connections; this is only how many may arrive at once.
const BACKLOG: i32 = 64;

/// Non-blocking listeners.
#[derive(Debug)]
pub(crate) struct Listeners {
    pub(crate) runtime_api: OwnedFd,
    /// The address of `runtime_api`, as the function sees it.
    pub(crate) runtime_api_address: String,
    /// With its address, for a function that has a network of its own.
    pub(crate) endpoint: Option<(OwnedFd, String)>,
}

impl Listeners {
    /// Opens them in the network of the process `pidfd`; `home` is the network to come back to.
    pub(crate) fn open(network: Network, pidfd: &OwnedFd, home: &File) -> io::Result<Self> {
        if network == Network::Host {
            let (runtime_api, runtime_api_address) = listener(0)?;
            return Ok(Self { runtime_api, runtime_api_address, endpoint: None });
        }
        move_into_thread_name_spaces(pidfd.as_fd(), ThreadNameSpaceType::NETWORK)?;
        let opened = listener(RUNTIME_API_PORT).and_then(|api| Ok((api, listener(ENDPOINT_PORT)?)));
        move_into_link_name_space(home.as_fd(), Some(LinkNameSpaceType::Network))?;
        let ((runtime_api, runtime_api_address), endpoint) = opened?;
        Ok(Self { runtime_api, runtime_api_address, endpoint: Some(endpoint) })
    }
}

fn listener(port: u16) -> io::Result<(OwnedFd, String)> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::INET, SocketType::STREAM, flags, None)?;
    sockopt::set_socket_reuseaddr(&socket, true)?;
    bind(&socket, &SocketAddrV4::new(std::net::Ipv4Addr::LOCALHOST, port))?;
    listen(&socket, BACKLOG)?;
    let address = SocketAddrV4::try_from(rustix::net::getsockname(&socket)?)?;
    Ok((socket, address.to_string()))
}
