//! The listeners of a jail. They belong to its network but are the server's to accept from.

use std::io;
use std::net::SocketAddrV4;
use std::os::fd::OwnedFd;

use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, listen, socket_with, sockopt};

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
    /// Opens them in the jail's own network, by its init.
    pub(crate) fn open_inside() -> io::Result<[OwnedFd; 2]> {
        Ok([listener(RUNTIME_API_PORT)?, listener(ENDPOINT_PORT)?])
    }

    /// Those that the init of a jail has sent.
    pub(crate) fn received(descriptors: Vec<OwnedFd>) -> io::Result<Self> {
        let mut descriptors = descriptors.into_iter();
        let (Some(runtime_api), Some(endpoint)) = (descriptors.next(), descriptors.next()) else {
            return Err(io::Error::other("too many files are open"));
        };
        let runtime_api_address = address(&runtime_api)?;
        let endpoint_address = address(&endpoint)?;
        Ok(Self { runtime_api, runtime_api_address, endpoint: Some((endpoint, endpoint_address)) })
    }

    /// Opens them in the host's network, where any free port has to do.
    pub(crate) fn open_on_host() -> io::Result<Self> {
        let runtime_api = listener(0)?;
        let runtime_api_address = address(&runtime_api)?;
        Ok(Self { runtime_api, runtime_api_address, endpoint: None })
    }
}

fn listener(port: u16) -> io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::INET, SocketType::STREAM, flags, None)?;
    sockopt::set_socket_reuseaddr(&socket, true)?;
    bind(&socket, &SocketAddrV4::new(std::net::Ipv4Addr::LOCALHOST, port))?;
    listen(&socket, BACKLOG)?;
    Ok(socket)
}

fn address(socket: &OwnedFd) -> io::Result<String> {
    Ok(SocketAddrV4::try_from(rustix::net::getsockname(socket)?)?.to_string())
}
