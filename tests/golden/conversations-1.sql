PRAGMA application_id = 1987340151;
PRAGMA user_version = 1;
BEGIN TRANSACTION;
CREATE TABLE conversations (
    id INTEGER PRIMARY KEY,
    user_id TEXT NOT NULL,
    conversation_id TEXT NOT NULL,
    started_at REAL NOT NULL,
    last_turn INTEGER NOT NULL,
    UNIQUE (user_id, conversation_id)
);
INSERT INTO "conversations" VALUES(1,'ann','c',100.0,2);
CREATE TABLE turns (
    id INTEGER PRIMARY KEY,
    conversation INTEGER NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    turn_id TEXT NOT NULL,
    session_id TEXT NOT NULL,
    ref TEXT,
    owner TEXT NOT NULL,
    status TEXT NOT NULL,
    started_at REAL NOT NULL,
    ended_at REAL,
    first_token_ms INTEGER,
    first_chunk_ms INTEGER,
    total_ms INTEGER,
    chunks INTEGER,
    reply_chars INTEGER,
    heard_chars INTEGER,
    reason TEXT,
    asked TEXT NOT NULL,
    left_messages TEXT NOT NULL DEFAULT '[]',
    UNIQUE (conversation, turn_id)
);
INSERT INTO "turns" VALUES(1,1,'t1','s',NULL,'999999999:4711:0123456789abcdef','completed',100.0,103.5,20,NULL,3500,2,40,30,NULL,'{"role":"user","content":"one"}','[{"role":"assistant","content":"1"}]');
INSERT INTO "turns" VALUES(2,1,'t2','s','r2','999999999:4711:0123456789abcdef','processing',100.0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'{"role":"user","content":"two"}','[]');
CREATE INDEX conversations_by_turn ON conversations (user_id, last_turn);
CREATE INDEX turns_by_conversation ON turns (conversation);
CREATE INDEX turns_by_session ON turns (session_id, ref);
CREATE INDEX turns_processing ON turns (conversation) WHERE status = 'processing';
COMMIT;
