mod delivery;
mod encoding;
mod fake;
mod retrying;
