-- What each caller of the directory got today: a restart gives nobody a new budget.

-- caller: a person by national number, an operator, a mailbox or a key; what: entries, completions; day: UTC, ISO.
CREATE TABLE directory_budget (
    caller TEXT NOT NULL,
    what TEXT NOT NULL,
    day TEXT NOT NULL,
    spent INTEGER NOT NULL,
    PRIMARY KEY (caller, what)
) STRICT, WITHOUT ROWID;

CREATE INDEX directory_budget_day ON directory_budget (day);
