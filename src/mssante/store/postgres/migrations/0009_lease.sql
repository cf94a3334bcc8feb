-- Works that only one of several nodes does: which node does one, and until when it has said so.
CREATE TABLE lease (
    task text COLLATE "C" PRIMARY KEY,
    node text COLLATE "C" NOT NULL,
    until bigint NOT NULL
);
