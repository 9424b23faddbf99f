-- Sequences go on after the highest id, also where ids have leapt to two billion: an int still has room there.
do $$
declare
    serial record;
begin
    for serial in
        select quote_ident(table_name) as of_table, column_name as of_column
        from information_schema.columns
        where table_schema = current_schema() and column_default like 'nextval(%'
    loop
        execute format(
            'select setval(pg_get_serial_sequence(%L, %L), max(%I)) from %s',
            serial.of_table, serial.of_column, serial.of_column, serial.of_table
        );
    end loop;
end $$;
