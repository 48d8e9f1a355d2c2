-- title: {es: Historia de una venta, en: History of a sale}
-- description:
--   es: Los pasos de una venta, por su identificador (id_venta); en los últimos días que se elijan.
--   en: The steps of a sale, by its identifier (id_venta); within the days chosen.
-- parameters:
--   - {name: id_venta, kind: text, label: {es: Identificador de la venta, en: Sale's identifier}}
--   - {name: desde, kind: time, default: -90d, label: {es: Desde, en: From}}
-- columns:
--   - {name: momento, kind: time, title: {es: Momento, en: Time}}
--   - {name: estado, kind: text, title: {es: Estado, en: State}}
--   - {name: motivo, kind: text, title: {es: Motivo, en: Reason}}
--   - {name: producto, kind: text, title: {es: Producto, en: Product}}
--   - {name: cantidad, kind: number, title: {es: Unidades, en: Units}}
--   - {name: importe_centavos, kind: money, title: {es: Importe, en: Amount}}
--   - {name: pago, kind: text, title: {es: Pago y emisor, en: Payment and issuer}}
--   - {name: sucursal, kind: text, title: {es: Sucursal, en: Store}}
SELECT
  __time AS momento,
  estado,
  motivo,
  producto,
  cantidad,
  importe_centavos,
  TRIM(tipo_pago || ' ' || emisor) AS pago,
  sucursal
FROM "{datasource}"
WHERE id_venta = :id_venta AND __time >= MILLIS_TO_TIMESTAMP(:desde)
ORDER BY __time
