-- What each caller of the directory got today: a restart gives nobody a new budget.

-- caller: a person by national number, an operator, a mailbox or a key; what: entries, completions; day: UTC, ISO.
CREATE TABLE directory_budget (
    caller text COLLATE "C" NOT NULL,
    what text COLLATE "C" NOT NULL,
    day text COLLATE "C" NOT NULL,
    spent bigint NOT NULL,
    PRIMARY KEY (caller, what)
);

CREATE INDEX directory_budget_day ON directory_budget (day);
