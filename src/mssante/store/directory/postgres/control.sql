-- Which version is in force. One row at the most.

CREATE SCHEMA IF NOT EXISTS directory;

CREATE TABLE IF NOT EXISTS directory.in_force (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    number integer NOT NULL,
    before integer,
    layout integer NOT NULL,
    put_at timestamptz NOT NULL DEFAULT now()
);
