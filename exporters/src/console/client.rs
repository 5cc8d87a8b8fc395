//! The table to the terminal, batch by batch.

use std::env;
use std::fs::File;
use std::sync::Arc;

use async_trait::async_trait;
use eunomia_core::component::{ComponentError, Exporter, Host, Reopen};
use eunomia_core::queue::QueueReader;
use rustix::termios::tcgetwinsize;

use super::config::{Color, ConsoleConfig};
use super::encode::ConsoleEncoder;
use super::style::Style;
use crate::sink::{Options, Pages, Sink, Target};

#[derive(Debug)]
pub(super) struct ConsoleExporter {
    config: ConsoleConfig,
    target: Target,
    options: Options,
    host: Arc<Host>,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    sink: Sink,
    /// The terminal that is written to, if it is one.
    terminal: Option<File>,
}

impl ConsoleExporter {
    pub(super) fn new(config: ConsoleConfig, options: Options, host: &Arc<Host>) -> Self {
        Self {
            target: Target::new(&config.path),
            config,
            options,
            host: Arc::clone(host),
            open: None,
        }
    }

    fn open(&self) -> Result<Open, ComponentError> {
        let sink = Sink::open(&self.target, self.options, Reopen::default())?;
        let terminal = self.target.terminal();
        Ok(Open { sink, terminal })
    }
}

#[async_trait]
impl Exporter for ConsoleExporter {
    async fn start(&mut self) -> Result<(), ComponentError> {
        self.open = Some(self.open()?);
        Ok(())
    }

    async fn run(mut self: Box<Self>, mut queue: QueueReader) -> Result<(), ComponentError> {
        let Open { mut sink, terminal } = match self.open.take() {
            Some(open) => open,
            None => self.open()?,
        };
        let style = style(self.config.color, terminal.as_ref());
        let mut encoder = ConsoleEncoder::new(&self.config, &self.host.name, style);
        let mut pages = Pages::new(&self.target, &self.host);
        if self.config.headers {
            encoder.write_heading(pages.only());
            pages = sink.write_heading(pages).await?;
        }
        while let Some(delivery) = queue.next().await {
            pages.clear();
            // The window may have been resized since.
            encoder.set_width(terminal.as_ref().and_then(width));
            encoder.encode(delivery.signal(), pages.only());
            pages = sink.deliver(delivery, pages).await?.pages;
        }
        Ok(())
    }
}

fn style(color: Color, terminal: Option<&File>) -> Style {
    // https://no-color.org: set and not empty.
    let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    let is_dumb = || env::var_os("TERM").is_some_and(|term| term == "dumb");
    Style {
        color: match color {
            Color::Auto => terminal.is_some() && !is_set("NO_COLOR") && !is_dumb(),
            Color::Always => true,
            Color::Never => false,
        },
        width: terminal.and_then(width),
    }
}

/// Columns of the terminal, where it knows them.
fn width(terminal: &File) -> Option<usize> {
    let columns = tcgetwinsize(terminal).ok()?.ws_col;
    (columns > 0).then_some(usize::from(columns))
}
