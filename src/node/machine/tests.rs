//! Single flows by hand.
