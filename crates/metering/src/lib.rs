//! Requests and GB-seconds per function, and the bill
