ALTER TABLE nodes DROP COLUMN token_digest;
