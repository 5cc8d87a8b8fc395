//! Puts events and points into requests.

use std::mem;

use eunomia_core::batch::Batch;
use eunomia_core::component::Host;
use eunomia_core::metric::MetricBatch;
use eunomia_core::signal::Signal;

use super::events::Events;
use super::field::Unsigned;
use super::points::Points;
use super::request::Request;
use super::times::Times;
use crate::influxdb::config::{Precision, Schema};

/// What an encoder has to know beside the host.
#[derive(Clone, Debug)]
pub struct LineSettings {
    /// How events and points are laid out.
    pub schema: Schema,
    /// Attributes that are tags beside those that always are.
    pub tags: Vec<String>,
    /// The unit of times.
    pub precision: Precision,
    /// How unsigned integers are written.
    pub unsigned: Unsigned,
    /// Lines that a request may have.
    pub max_lines: usize,
    /// Bytes that a request may have.
    pub max_bytes: usize,
}

/// What became of an event or a point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// It is in the request that is being built.
    Added,
    /// It was the first of a new request; this one is full.
    Full(Request),
    /// It is larger than any request may be.
    TooLarge,
    /// Nothing of it is a field: InfluxDB has no such points.
    Empty,
}

/// Batches to line protocol.
#[derive(Debug)]
pub struct LineEncoder {
    events: Events,
    points: Points,
    times: Times,
    request: Request,
    /// Lines of the request: a histogram may take several.
    lines: usize,
    max_lines: usize,
    max_bytes: usize,
}

impl LineEncoder {
    /// An encoder for what happens on `host`.
    #[must_use]
    pub fn new(host: &Host, settings: &LineSettings) -> Self {
        Self {
            events: Events::new(host, settings),
            points: Points::new(host, settings),
            times: Times::default(),
            request: Request::default(),
            lines: 0,
            max_lines: settings.max_lines,
            max_bytes: settings.max_bytes,
        }
    }

    /// How many events and points the request has that is being built.
    #[must_use]
    pub fn items(&self) -> usize {
        self.request.items()
    }

    /// Adds what is in `signal`, and tells `each` of every item in order.
    pub fn push(&mut self, signal: &Signal, each: impl FnMut(Pushed)) {
        self.times.tidy();
        match signal {
            Signal::Events(batch) => self.push_events(batch, each),
            Signal::Metrics(batch) => self.push_points(batch, each),
        }
    }

    /// Takes the request that is being built.
    #[must_use]
    pub fn finish(&mut self) -> Option<Request> {
        if self.request.items() == 0 {
            return None;
        }
        self.lines = 0;
        let next = Request::with_room_of(&self.request);
        Some(mem::replace(&mut self.request, next))
    }

    fn push_events(&mut self, batch: &Batch, mut each: impl FnMut(Pushed)) {
        self.events.start(batch);
        for row in batch.iter() {
            let start = self.request.body.len();
            let body = &mut self.request.body;
            let lines = self.events.write(&row, &mut self.times, body);
            each(self.end_item(start, lines));
        }
    }

    fn push_points(&mut self, batch: &MetricBatch, mut each: impl FnMut(Pushed)) {
        for point in &batch.points {
            let start = self.request.body.len();
            let body = &mut self.request.body;
            let lines = self.points.write(point, batch.time, &mut self.times, body);
            each(self.end_item(start, lines));
        }
    }

    /// Decides what becomes of the item whose `lines` begin at `start`.
    fn end_item(&mut self, start: usize, lines: usize) -> Pushed {
        if lines == 0 {
            self.request.body.truncate(start);
            return Pushed::Empty;
        }
        let length = self.request.body.len() - start;
        if length > self.max_bytes {
            self.request.body.truncate(start);
            return Pushed::TooLarge;
        }
        let is_full =
            self.request.body.len() > self.max_bytes || self.lines + lines > self.max_lines;
        if !is_full || self.request.items() == 0 {
            self.request.end_item();
            self.lines += lines;
            return Pushed::Added;
        }
        let mut next = Request::with_room_of(&self.request);
        next.body.extend(self.request.body.drain(start..));
        next.end_item();
        self.lines = lines;
        Pushed::Full(mem::replace(&mut self.request, next))
    }
}
