-- La base de causas de la demostración: la vista enlace_casos como tabla, para SQLite y PostgreSQL. Las personas son inventadas.
-- Load it with: sqlite3 casos.db < cases.sql, or psql -f cases.sql
CREATE TABLE enlace_casos (
    persona_id INTEGER PRIMARY KEY,
    expediente VARCHAR(40),
    delito VARCHAR(200),
    juzgado VARCHAR(200),
    orden_no VARCHAR(40),
    orden_fecha DATE,
    orden_juzgado VARCHAR(200),
    estado VARCHAR(40),
    apellidos VARCHAR(200),
    nombres VARCHAR(200),
    alias VARCHAR(200),
    nacimiento DATE,
    sexo CHAR(1),
    nacionalidad VARCHAR(80),
    documento_no VARCHAR(40),
    documento_tipo VARCHAR(20),
    documento_pais VARCHAR(80),
    explotacion VARCHAR(200),
    posible_victima VARCHAR(2),
    reserva VARCHAR(40),
    solo_para VARCHAR(200),
    resumen TEXT,
    modificado TIMESTAMP NOT NULL,
    anulado BOOLEAN
);
-- Se busca a quien organizaba los traslados: la orden está vigente.
INSERT INTO enlace_casos VALUES (1, '2026-0114', 'Trata de personas', 'Juzgado de Garantías inventado, Panamá', 'OC-2026-031', '2026-09-02', 'Juzgado de Garantías inventado, Panamá', 'orden vigente', 'Quintero Saldaña', 'Ezequiel Antonio', 'El Inventado', '1979-03-22', 'M', 'CO', 'AP900311', 'pasaporte', 'CO', 'laboral', 'no', 'ninguna', NULL, 'Señalado por haber organizado tres traslados desde la frontera.', '2026-10-01 09:00:00', FALSE);
-- Quien captaba también puede ser víctima: se busca, y no se dice a la frontera ni a la OCN.
INSERT INTO enlace_casos VALUES (2, '2026-0114', 'Trata de personas', 'Juzgado de Garantías inventado, Panamá', 'OC-2026-032', '2026-09-02', 'Juzgado de Garantías inventado, Panamá', 'orden vigente', 'Arosemena Luna', 'Yadira', NULL, '2001-11-08', 'F', 'PA', NULL, NULL, NULL, 'sexual', 'sí', 'no en juicio', NULL, 'Captó a dos personas; hay indicios de que lo hizo bajo amenaza.', '2026-10-01 09:05:00', FALSE);
-- Solo para la OCN: el originador la nombra.
INSERT INTO enlace_casos VALUES (3, '2025-0870', 'Trata de personas agravada', 'Juzgado inventado, Chiriquí', 'OC-2025-377', '2025-12-11', 'Juzgado inventado, Chiriquí', 'orden vigente', 'Vandenberg', 'Joris', NULL, '1968-07-30', 'M', 'NL', 'NX4P01B77', 'pasaporte', 'NL', 'laboral; servidumbre', 'no', 'no difundir', 'INTERPOL', 'Salió del país antes de la orden.', '2026-10-01 09:10:00', FALSE);
-- Absuelto: la alerta que hubo se retira, y se dice el resultado sin nombrar a nadie.
INSERT INTO enlace_casos VALUES (4, '2024-0402', 'Trata de personas', 'Tribunal inventado, Colón', 'OC-2024-118', '2024-05-06', 'Juzgado inventado, Colón', 'absuelto', 'Barría Montes', 'Heliodoro', NULL, '1985-01-19', 'M', 'PA', '8-700-0001', 'cédula', 'PA', 'laboral', 'no', 'ninguna', NULL, NULL, '2026-10-01 09:15:00', FALSE);
-- En investigación: no se intercambia.
INSERT INTO enlace_casos VALUES (5, '2026-0150', 'Trata de personas', 'Juzgado de Garantías inventado, Panamá', NULL, NULL, NULL, 'en investigación', 'Salcedo', 'Nimia', NULL, '1990-06-14', 'F', 'VE', NULL, NULL, NULL, 'sexual', 'no', 'ninguna', NULL, NULL, '2026-10-01 09:20:00', FALSE);
-- Error de digitación: vigente y sin orden. Nadie es buscado sin ella; la fila se aparta.
INSERT INTO enlace_casos VALUES (6, '2026-0151', 'Trata de personas', 'Juzgado de Garantías inventado, Panamá', NULL, NULL, NULL, 'orden vigente', 'Pimentel', 'Abdiel', NULL, '1977-02-27', 'M', 'DO', NULL, NULL, NULL, 'laboral', 'no', 'ninguna', NULL, NULL, '2026-10-01 09:25:00', FALSE);
