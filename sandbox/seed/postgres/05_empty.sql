-- Tables are loaded side by side, each before what it names may be there; 91_foreign_keys.sql adds the keys again.
do $$
declare
    foreign_key record;
begin
    for foreign_key in select conrelid::regclass as keyed, conname from pg_constraint where contype = 'f' loop
        execute format('alter table %s drop constraint %I', foreign_key.keyed, foreign_key.conname);
    end loop;
    execute (
        select format('truncate %s restart identity', string_agg(format('%I', tablename), ', '))
        from pg_tables
        where schemaname = current_schema()
    );
end $$;
