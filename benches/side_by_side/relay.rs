//! Stands between a client and Postgres: counts what passes, or makes the way long.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::wire::Tally;

/// What a client says within this time it says before it waits for an answer.
const ONE_GO: Duration = Duration::from_millis(10);

/// What a relay does besides carrying.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Sort {
    Counting,
    /// Everything arrives this much later, whichever way it goes.
    Delaying(Duration),
}

/// A relay on a port of its own, until this process ends.
pub(crate) struct Relay {
    pub(crate) port: u16,
    tally: Arc<Mutex<Tally>>,
}

impl Relay {
    pub(crate) fn start(sort: Sort, server_port: u16) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let tally = Arc::<Mutex<Tally>>::default();
        let counted = tally.clone();
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, server_port)) else {
                    return;
                };
                // A client that hangs up is no concern of ours.
                let _ = match sort {
                    Sort::Counting => count(&client, &server, &counted),
                    Sort::Delaying(delay) => slow(&client, &server, delay),
                };
            }
        });
        Ok(Self { port, tally })
    }

    /// What has passed since this was last asked.
    pub(crate) fn take(&self) -> Tally {
        self.tally.lock().unwrap().take()
    }
}

fn count(client: &TcpStream, server: &TcpStream, tally: &Arc<Mutex<Tally>>) -> Result<()> {
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (mut from, mut to, counted) = (client.try_clone()?, server.try_clone()?, tally.clone());
    thread::spawn(move || {
        let mut reader = crate::wire::Messages::of_a_client();
        let mut bytes = vec![0; 1 << 20];
        while let Ok(mut length @ 1..) = from.read(&mut bytes) {
            // The rest of what it says before it waits belongs to it: nobody has been answered.
            thread::sleep(ONE_GO);
            length += waiting(&mut from, &mut bytes[length..]);
            // Before the server can answer.
            let mut tally = counted.lock().unwrap();
            tally.sent(&bytes[..length], reader.read(&bytes[..length]));
            drop(tally);
            if to.write_all(&bytes[..length]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
    });
    let (mut from, mut to, counted) = (server.try_clone()?, client.try_clone()?, tally.clone());
    thread::spawn(move || {
        let mut reader = crate::wire::Messages::of_a_server();
        let mut bytes = vec![0; 1 << 16];
        while let Ok(length @ 1..) = from.read(&mut bytes) {
            let mut tally = counted.lock().unwrap();
            tally.received(length, reader.read(&bytes[..length]));
            drop(tally);
            if to.write_all(&bytes[..length]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
    });
    Ok(())
}

/// What can be read without waiting.
fn waiting(from: &mut TcpStream, room: &mut [u8]) -> usize {
    if from.set_nonblocking(true).is_err() {
        return 0;
    }
    let length = from.read(room).unwrap_or_default();
    let _ = from.set_nonblocking(false);
    length
}

fn slow(client: &TcpStream, server: &TcpStream, delay: Duration) -> Result<()> {
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    for (from, to) in [(client, server), (server, client)] {
        let (from, to) = (from.try_clone()?, to.try_clone()?);
        let (sender, receiver) = channel();
        thread::spawn(move || take_in(from, &sender));
        thread::spawn(move || hand_on(to, &receiver, delay));
    }
    Ok(())
}

fn take_in(mut from: TcpStream, sender: &Sender<(Instant, Vec<u8>)>) {
    let mut bytes = vec![0; 1 << 16];
    while let Ok(length @ 1..) = from.read(&mut bytes) {
        if sender
            .send((Instant::now(), bytes[..length].to_vec()))
            .is_err()
        {
            return;
        }
    }
}

fn hand_on(mut to: TcpStream, receiver: &Receiver<(Instant, Vec<u8>)>, delay: Duration) {
    for (came, bytes) in receiver {
        thread::sleep((came + delay).saturating_duration_since(Instant::now()));
        if to.write_all(&bytes).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}
