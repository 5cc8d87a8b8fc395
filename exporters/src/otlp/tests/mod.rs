mod answers;
mod delivery;
mod encoding;
mod fake;
mod json;
