//! Ironic over HTTP.
