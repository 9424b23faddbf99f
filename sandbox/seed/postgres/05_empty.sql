-- Tables without foreign keys: they are loaded side by side, each before what it names may be there. postgres_source.sql
-- makes them anew, 91_foreign_keys.sql adds the keys.
drop schema if exists public cascade;
create schema public;
