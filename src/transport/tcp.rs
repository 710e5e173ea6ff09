//! Finding and reaching a server: name resolution and TCP, several addresses racing as RFC 8305 advises.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use tokio::net::{TcpSocket, TcpStream};

use super::error::ConnectError;
use super::settings::{Family, Settings};

/// A further address is tried when the one before it has not answered for this long.
const STAGGER: Duration = Duration::from_millis(250);

/// A TCP connection to the server. Not bounded in time.
pub(super) async fn connect(settings: &Settings) -> Result<TcpStream, ConnectError> {
    let Settings { name, host, port, family, bind, .. } = settings;
    let resolve = |cause: String| ConnectError::Resolve { host: name.clone(), name: host.clone(), cause };
    let found =
        tokio::net::lookup_host((host.as_str(), *port)).await.map_err(|error| resolve(error.to_string()))?;
    let addresses: Vec<SocketAddr> = found
        .filter(|address| match family {
            Family::Any => true,
            Family::Inet => address.is_ipv4(),
            Family::Inet6 => address.is_ipv6(),
        })
        .collect();
    if addresses.is_empty() {
        return Err(resolve("it has no address of that family".to_owned()));
    }
    let bind = match bind {
        Some(bind) => Some(
            bind.parse::<IpAddr>().map_err(|_| resolve(format!("`BindAddress {bind}` is not an address")))?,
        ),
        None => None,
    };
    let mut rest = addresses.into_iter();
    let mut attempts = FuturesUnordered::new();
    let mut last: Option<(SocketAddr, std::io::Error)> = None;
    loop {
        let more = rest.next();
        let waiting = more.is_some();
        attempts.extend(more.map(|address| async move { (address, reach(address, bind).await) }));
        let result = tokio::select! {
            result = attempts.next() => result,
            () = tokio::time::sleep(STAGGER), if waiting && rest.len() > 0 => continue,
        };
        match result {
            Some((_, Ok(stream))) => return Ok(stream),
            Some((address, Err(error))) => last = Some((address, error)),
            None => {
                let (address, cause) = match last {
                    Some((address, error)) => (address.to_string(), error.to_string()),
                    None => (settings.address(), "there is no address to try".to_owned()),
                };
                return Err(ConnectError::Refused { host: name.clone(), address, cause });
            }
        }
    }
}

async fn reach(address: SocketAddr, bind: Option<IpAddr>) -> std::io::Result<TcpStream> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if let Some(bind) = bind {
        socket.bind(SocketAddr::new(bind, 0))?;
    }
    socket.set_keepalive(true)?;
    let stream = socket.connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}
