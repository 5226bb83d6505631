//! The client against a stand-in of Ironic.

mod standin;

mod calls;
mod limits;
mod lists;
mod tokens;
mod trouble;

use uuid::Uuid;

const NODE: Uuid = Uuid::from_u128(0x0e8e_8ef2_7ba2_4b0d_9b54_7a9a_2f4d_3a11);
const PORT: Uuid = Uuid::from_u128(0x1e8e_8ef2_7ba2_4b0d_9b54_7a9a_2f4d_3a12);
